/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table */
/*
 * The S-boxes of FIPS 46-3 as circuits of functions of three inputs, for files of the room that have defined
 * LANE and TERNARY(a, b, c, table), whose table is bit 4a + 2b + c.
 * Found by tools/sboxgen.c with the seeds named below; not written by hand.
 */

/* 33 gates, seed 453 */
static inline __attribute__((always_inline)) void sbox_ternary_1(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[4], in[2], 0xD2);
    LANE t1 = TERNARY(t0, in[5], in[4], 0x43);
    LANE t2 = TERNARY(in[3], t1, t0, 0xCA);
    LANE t3 = TERNARY(t2, t1, t0, 0x47);
    LANE t4 = TERNARY(t3, t1, in[2], 0x81);
    LANE t5 = TERNARY(in[4], t4, t3, 0xCA);
    LANE t6 = TERNARY(in[0], t2, t5, 0xCA);
    LANE t7 = TERNARY(t6, t5, in[0], 0x8B);
    LANE t8 = TERNARY(t7, t5, in[3], 0x64);
    LANE t9 = TERNARY(in[2], t8, t7, 0xCA);
    LANE t10 = TERNARY(in[1], t9, t6, 0xCA);
    LANE t11 = TERNARY(t7, in[4], in[3], 0x3D);
    LANE t12 = TERNARY(t3, in[2], in[0], 0x96);
    LANE t13 = TERNARY(in[4], t12, t6, 0xCA);
    LANE t14 = TERNARY(in[5], t13, t11, 0xCA);
    LANE t15 = TERNARY(t1, in[3], in[2], 0x69);
    LANE t16 = TERNARY(t14, t8, in[3], 0x93);
    LANE t17 = TERNARY(in[0], t16, t15, 0xCA);
    LANE t18 = TERNARY(in[1], t14, t17, 0xCA);
    LANE t19 = TERNARY(t17, t16, t13, 0xF1);
    LANE t20 = TERNARY(t12, t2, in[3], 0x68);
    LANE t21 = TERNARY(in[2], t20, t19, 0xCA);
    LANE t22 = TERNARY(t21, t18, t14, 0x8B);
    LANE t23 = TERNARY(t21, t5, t3, 0xDE);
    LANE t24 = TERNARY(in[2], t22, t23, 0xCA);
    LANE t25 = TERNARY(in[1], t21, t24, 0xCA);
    LANE t26 = TERNARY(t21, t5, t1, 0x58);
    LANE t27 = TERNARY(t26, t17, t3, 0x63);
    LANE t28 = TERNARY(in[1], t27, t26, 0xCA);
    LANE t29 = TERNARY(t28, t20, in[1], 0x76);
    LANE t30 = TERNARY(t29, t14, t9, 0x69);
    LANE t31 = TERNARY(in[2], t30, t29, 0xCA);
    LANE t32 = TERNARY(in[4], t28, t31, 0xCA);
    out[0] = t10;
    out[1] = t25;
    out[2] = t32;
    out[3] = t18;
}

/* 31 gates, seed 1105 */
static inline __attribute__((always_inline)) void sbox_ternary_2(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[3], in[1], 0x98);
    LANE t1 = TERNARY(t0, in[4], in[3], 0x83);
    LANE t2 = TERNARY(in[5], t0, t1, 0xCA);
    LANE t3 = TERNARY(t2, in[5], in[4], 0x87);
    LANE t4 = TERNARY(in[2], t2, t3, 0xCA);
    LANE t5 = TERNARY(t3, t1, in[2], 0x4E);
    LANE t6 = TERNARY(t0, in[5], in[2], 0x69);
    LANE t7 = TERNARY(in[1], t5, t6, 0xCA);
    LANE t8 = TERNARY(in[0], t4, t7, 0xCA);
    LANE t9 = TERNARY(t8, in[2], in[0], 0x93);
    LANE t10 = TERNARY(in[1], in[2], t9, 0xCA);
    LANE t11 = TERNARY(t7, t4, in[0], 0x96);
    LANE t12 = TERNARY(in[5], t10, t11, 0xCA);
    LANE t13 = TERNARY(t11, t10, t3, 0x1D);
    LANE t14 = TERNARY(t13, t10, t9, 0x29);
    LANE t15 = TERNARY(in[3], t13, t14, 0xCA);
    LANE t16 = TERNARY(in[4], t12, t15, 0xCA);
    LANE t17 = TERNARY(t11, t5, t2, 0xE1);
    LANE t18 = TERNARY(t17, t16, t12, 0x2D);
    LANE t19 = TERNARY(in[3], t17, t18, 0xCA);
    LANE t20 = TERNARY(t17, t12, in[3], 0x72);
    LANE t21 = TERNARY(t19, t12, t9, 0xB2);
    LANE t22 = TERNARY(in[1], t21, t20, 0xCA);
    LANE t23 = TERNARY(in[5], t19, t22, 0xCA);
    LANE t24 = TERNARY(t18, t12, in[4], 0x61);
    LANE t25 = TERNARY(t20, t18, t13, 0x85);
    LANE t26 = TERNARY(in[5], t24, t25, 0xCA);
    LANE t27 = TERNARY(t26, t21, t15, 0x3A);
    LANE t28 = TERNARY(t25, t16, t7, 0xAD);
    LANE t29 = TERNARY(in[0], t28, t27, 0xCA);
    LANE t30 = TERNARY(in[1], t26, t29, 0xCA);
    out[0] = t8;
    out[1] = t23;
    out[2] = t30;
    out[3] = t16;
}

/* 31 gates, seed 227 */
static inline __attribute__((always_inline)) void sbox_ternary_3(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[2], in[1], 0x96);
    LANE t1 = TERNARY(t0, in[3], in[2], 0x96);
    LANE t2 = TERNARY(in[4], t0, t1, 0xCA);
    LANE t3 = TERNARY(t2, in[4], in[2], 0x99);
    LANE t4 = TERNARY(t3, t2, t1, 0x1A);
    LANE t5 = TERNARY(in[3], t4, t3, 0xCA);
    LANE t6 = TERNARY(t5, t0, in[3], 0x65);
    LANE t7 = TERNARY(in[1], t6, t5, 0xCA);
    LANE t8 = TERNARY(in[0], t7, t2, 0xCA);
    LANE t9 = TERNARY(t8, t4, t0, 0xDC);
    LANE t10 = TERNARY(t8, t6, t3, 0x9C);
    LANE t11 = TERNARY(in[5], t10, t9, 0xCA);
    LANE t12 = TERNARY(t11, t4, in[1], 0x46);
    LANE t13 = TERNARY(t12, t10, t2, 0x0D);
    LANE t14 = TERNARY(in[1], t12, t13, 0xCA);
    LANE t15 = TERNARY(in[2], t14, t12, 0xCA);
    LANE t16 = TERNARY(in[0], t15, t11, 0xCA);
    LANE t17 = TERNARY(t16, t0, in[4], 0x76);
    LANE t18 = TERNARY(t17, t16, t1, 0x85);
    LANE t19 = TERNARY(in[0], t17, t18, 0xCA);
    LANE t20 = TERNARY(t19, t16, t8, 0x56);
    LANE t21 = TERNARY(t16, t3, t1, 0x67);
    LANE t22 = TERNARY(in[2], t21, t20, 0xCA);
    LANE t23 = TERNARY(in[1], t19, t22, 0xCA);
    LANE t24 = TERNARY(t2, in[2], in[0], 0x96);
    LANE t25 = TERNARY(t24, t23, t18, 0x9C);
    LANE t26 = TERNARY(in[3], t25, t24, 0xCA);
    LANE t27 = TERNARY(t26, t24, in[3], 0x62);
    LANE t28 = TERNARY(t27, t26, t21, 0xB8);
    LANE t29 = TERNARY(in[2], t27, t28, 0xCA);
    LANE t30 = TERNARY(in[5], t26, t29, 0xCA);
    out[0] = t16;
    out[1] = t30;
    out[2] = t23;
    out[3] = t8;
}

/* 24 gates, seed 3623 */
static inline __attribute__((always_inline)) void sbox_ternary_4(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[3], in[2], in[0], 0x4A);
    LANE t1 = TERNARY(t0, in[2], in[0], 0x89);
    LANE t2 = TERNARY(in[1], t0, t1, 0xCA);
    LANE t3 = TERNARY(t2, t1, in[3], 0x2B);
    LANE t4 = TERNARY(t3, in[3], in[2], 0x39);
    LANE t5 = TERNARY(in[1], t3, t4, 0xCA);
    LANE t6 = TERNARY(in[4], t5, t2, 0xCA);
    LANE t7 = TERNARY(t6, t3, t0, 0xC5);
    LANE t8 = TERNARY(t7, t6, t1, 0xA3);
    LANE t9 = TERNARY(in[1], t8, t7, 0xCA);
    LANE t10 = TERNARY(t8, t4, in[1], 0x86);
    LANE t11 = TERNARY(in[4], t9, t10, 0xCA);
    LANE t12 = TERNARY(in[5], t11, t6, 0xCA);
    LANE t13 = TERNARY(t10, t7, in[4], 0x84);
    LANE t14 = TERNARY(t13, t10, t1, 0x27);
    LANE t15 = TERNARY(in[2], t14, t13, 0xCA);
    LANE t16 = TERNARY(t5, t3, in[4], 0xC9);
    LANE t17 = TERNARY(in[1], t15, t16, 0xCA);
    LANE t18 = TERNARY(t15, t14, t5, 0x0E);
    LANE t19 = TERNARY(t16, t10, t7, 0x9B);
    LANE t20 = TERNARY(in[4], t19, t18, 0xCA);
    LANE t21 = TERNARY(in[5], t17, t20, 0xCA);
    LANE t22 = TERNARY(t11, t6, in[5], 0x8D);
    LANE t23 = TERNARY(t20, t17, in[5], 0xB1);
    out[0] = t22;
    out[1] = t12;
    out[2] = t21;
    out[3] = t23;
}

/* 33 gates, seed 765 */
static inline __attribute__((always_inline)) void sbox_ternary_5(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[3], in[2], in[0], 0x65);
    LANE t1 = TERNARY(t0, in[3], in[2], 0x2D);
    LANE t2 = TERNARY(in[5], t0, t1, 0xCA);
    LANE t3 = TERNARY(t2, in[5], in[3], 0x1B);
    LANE t4 = TERNARY(t3, t2, in[3], 0x65);
    LANE t5 = TERNARY(in[2], t3, t4, 0xCA);
    LANE t6 = TERNARY(in[1], t5, t2, 0xCA);
    LANE t7 = TERNARY(t6, t3, t1, 0x25);
    LANE t8 = TERNARY(t6, t1, in[2], 0x1E);
    LANE t9 = TERNARY(in[3], t8, t7, 0xCA);
    LANE t10 = TERNARY(in[4], t9, t6, 0xCA);
    LANE t11 = TERNARY(t10, t9, in[2], 0x2C);
    LANE t12 = TERNARY(in[5], t5, t11, 0xCA);
    LANE t13 = TERNARY(t12, in[3], in[0], 0x63);
    LANE t14 = TERNARY(in[1], t13, t12, 0xCA);
    LANE t15 = TERNARY(t13, in[2], in[1], 0x69);
    LANE t16 = TERNARY(t7, t4, in[1], 0x46);
    LANE t17 = TERNARY(in[5], t15, t16, 0xCA);
    LANE t18 = TERNARY(in[4], t17, t14, 0xCA);
    LANE t19 = TERNARY(t3, t1, in[1], 0x2D);
    LANE t20 = TERNARY(t16, t15, in[2], 0x6D);
    LANE t21 = TERNARY(in[0], t20, t19, 0xCA);
    LANE t22 = TERNARY(t17, t11, t10, 0xD9);
    LANE t23 = TERNARY(t22, t18, t3, 0x69);
    LANE t24 = TERNARY(in[1], t23, t22, 0xCA);
    LANE t25 = TERNARY(in[4], t21, t24, 0xCA);
    LANE t26 = TERNARY(t19, t11, t1, 0x56);
    LANE t27 = TERNARY(t18, t9, in[2], 0x96);
    LANE t28 = TERNARY(in[3], t26, t27, 0xCA);
    LANE t29 = TERNARY(t26, t25, t16, 0xB6);
    LANE t30 = TERNARY(t25, t15, t5, 0x9D);
    LANE t31 = TERNARY(in[5], t29, t30, 0xCA);
    LANE t32 = TERNARY(in[4], t31, t28, 0xCA);
    out[0] = t32;
    out[1] = t10;
    out[2] = t18;
    out[3] = t25;
}

/* 31 gates, seed 262 */
static inline __attribute__((always_inline)) void sbox_ternary_6(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[3], in[0], 0x69);
    LANE t1 = TERNARY(t0, in[4], in[1], 0x8D);
    LANE t2 = TERNARY(t1, t0, in[4], 0x34);
    LANE t3 = TERNARY(in[0], t2, t1, 0xCA);
    LANE t4 = TERNARY(in[5], t3, t0, 0xCA);
    LANE t5 = TERNARY(t2, in[5], in[1], 0x69);
    LANE t6 = TERNARY(t5, t4, in[1], 0x35);
    LANE t7 = TERNARY(in[4], t5, t6, 0xCA);
    LANE t8 = TERNARY(in[2], t4, t7, 0xCA);
    LANE t9 = TERNARY(t8, t5, in[3], 0x46);
    LANE t10 = TERNARY(t9, t1, in[1], 0x29);
    LANE t11 = TERNARY(in[0], t10, t9, 0xCA);
    LANE t12 = TERNARY(t11, t8, t5, 0x4B);
    LANE t13 = TERNARY(t11, t5, t3, 0xAD);
    LANE t14 = TERNARY(in[0], t12, t13, 0xCA);
    LANE t15 = TERNARY(in[2], t11, t14, 0xCA);
    LANE t16 = TERNARY(t15, t9, t6, 0xD8);
    LANE t17 = TERNARY(in[1], t16, t11, 0xCA);
    LANE t18 = TERNARY(t16, t3, in[3], 0x3A);
    LANE t19 = TERNARY(in[5], t17, t18, 0xCA);
    LANE t20 = TERNARY(t19, t8, t7, 0x62);
    LANE t21 = TERNARY(t12, t3, in[1], 0x48);
    LANE t22 = TERNARY(in[4], t21, t20, 0xCA);
    LANE t23 = TERNARY(in[2], t22, t19, 0xCA);
    LANE t24 = TERNARY(t21, t18, t0, 0x95);
    LANE t25 = TERNARY(t21, t6, in[0], 0xC9);
    LANE t26 = TERNARY(in[1], t24, t25, 0xCA);
    LANE t27 = TERNARY(t25, t18, in[0], 0x27);
    LANE t28 = TERNARY(t26, t25, t9, 0x91);
    LANE t29 = TERNARY(in[5], t27, t28, 0xCA);
    LANE t30 = TERNARY(in[2], t29, t26, 0xCA);
    out[0] = t8;
    out[1] = t15;
    out[2] = t23;
    out[3] = t30;
}

/* 31 gates, seed 1641 */
static inline __attribute__((always_inline)) void sbox_ternary_7(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[3], in[2], 0xC7);
    LANE t1 = TERNARY(t0, in[4], in[3], 0x24);
    LANE t2 = TERNARY(in[5], t1, t0, 0xCA);
    LANE t3 = TERNARY(t2, t0, in[2], 0x17);
    LANE t4 = TERNARY(in[0], t3, t2, 0xCA);
    LANE t5 = TERNARY(t0, in[5], in[0], 0x96);
    LANE t6 = TERNARY(t5, t4, t3, 0x1F);
    LANE t7 = TERNARY(in[2], t5, t6, 0xCA);
    LANE t8 = TERNARY(in[1], t4, t7, 0xCA);
    LANE t9 = TERNARY(t7, t1, in[1], 0x69);
    LANE t10 = TERNARY(in[3], t9, t7, 0xCA);
    LANE t11 = TERNARY(t10, t9, t8, 0xCA);
    LANE t12 = TERNARY(in[0], t11, t10, 0xCA);
    LANE t13 = TERNARY(t12, t9, in[5], 0xB4);
    LANE t14 = TERNARY(t10, t8, t2, 0x78);
    LANE t15 = TERNARY(in[3], t14, t13, 0xCA);
    LANE t16 = TERNARY(in[2], t15, t12, 0xCA);
    LANE t17 = TERNARY(t15, t5, t2, 0x87);
    LANE t18 = TERNARY(t13, in[2], in[0], 0xDB);
    LANE t19 = TERNARY(in[1], t17, t18, 0xCA);
    LANE t20 = TERNARY(t19, t9, t3, 0x99);
    LANE t21 = TERNARY(t20, t9, in[1], 0xC8);
    LANE t22 = TERNARY(in[0], t21, t20, 0xCA);
    LANE t23 = TERNARY(in[3], t19, t22, 0xCA);
    LANE t24 = TERNARY(t12, t6, in[3], 0xDA);
    LANE t25 = TERNARY(t17, in[4], in[3], 0x91);
    LANE t26 = TERNARY(in[1], t24, t25, 0xCA);
    LANE t27 = TERNARY(t19, t10, in[4], 0xB6);
    LANE t28 = TERNARY(t20, t14, in[5], 0x2D);
    LANE t29 = TERNARY(in[2], t28, t27, 0xCA);
    LANE t30 = TERNARY(in[0], t29, t26, 0xCA);
    out[0] = t16;
    out[1] = t30;
    out[2] = t23;
    out[3] = t8;
}

/* 32 gates, seed 64 */
static inline __attribute__((always_inline)) void sbox_ternary_8(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[4], in[3], 0x78);
    LANE t1 = TERNARY(t0, in[4], in[3], 0xE1);
    LANE t2 = TERNARY(in[1], t0, t1, 0xCA);
    LANE t3 = TERNARY(t2, in[4], in[1], 0x96);
    LANE t4 = TERNARY(in[2], t3, t2, 0xCA);
    LANE t5 = TERNARY(t1, in[2], in[1], 0x96);
    LANE t6 = TERNARY(in[4], t3, t5, 0xCA);
    LANE t7 = TERNARY(t6, t4, in[2], 0x69);
    LANE t8 = TERNARY(in[3], t7, t5, 0xCA);
    LANE t9 = TERNARY(in[5], t6, t8, 0xCA);
    LANE t10 = TERNARY(in[0], t9, t4, 0xCA);
    LANE t11 = TERNARY(t9, t5, t0, 0x9C);
    LANE t12 = TERNARY(t11, t4, in[4], 0x4E);
    LANE t13 = TERNARY(in[0], t12, t11, 0xCA);
    LANE t14 = TERNARY(t9, t7, in[1], 0xD8);
    LANE t15 = TERNARY(t6, t2, t0, 0x94);
    LANE t16 = TERNARY(in[0], t15, t14, 0xCA);
    LANE t17 = TERNARY(in[5], t13, t16, 0xCA);
    LANE t18 = TERNARY(t16, t15, in[5], 0x6E);
    LANE t19 = TERNARY(t18, t6, t1, 0x62);
    LANE t20 = TERNARY(in[4], t18, t19, 0xCA);
    LANE t21 = TERNARY(t11, t3, in[2], 0x62);
    LANE t22 = TERNARY(t20, t4, in[4], 0x27);
    LANE t23 = TERNARY(in[3], t21, t22, 0xCA);
    LANE t24 = TERNARY(in[0], t23, t20, 0xCA);
    LANE t25 = TERNARY(t17, t5, in[1], 0xC9);
    LANE t26 = TERNARY(t25, t9, t0, 0x68);
    LANE t27 = TERNARY(in[3], t25, t26, 0xCA);
    LANE t28 = TERNARY(t27, t24, t4, 0x8E);
    LANE t29 = TERNARY(t7, t4, t1, 0x4D);
    LANE t30 = TERNARY(in[5], t29, t28, 0xCA);
    LANE t31 = TERNARY(in[0], t30, t27, 0xCA);
    out[0] = t17;
    out[1] = t10;
    out[2] = t24;
    out[3] = t31;
}

