/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table */
/*
 * The S-boxes of FIPS 46-3 as circuits of functions of three inputs, for files of the room that have defined
 * LANE and TERNARY(a, b, c, table), whose table is bit 4a + 2b + c.
 * Found by tools/sboxgen.c with the seeds named below; not written by hand.
 */

/* 29 gates, seed 15 */
static inline __attribute__((always_inline)) void sbox_ternary_1(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[4], in[3], 0x7A);
    LANE t1 = TERNARY(t0, in[4], in[2], 0xD2);
    LANE t2 = TERNARY(t1, in[5], in[2], 0x62);
    LANE t3 = TERNARY(t2, t1, in[4], 0xB5);
    LANE t4 = TERNARY(in[0], t1, t3, 0xCA);
    LANE t5 = TERNARY(in[3], in[2], in[0], 0xD1);
    LANE t6 = TERNARY(t5, t3, t1, 0x3D);
    LANE t7 = TERNARY(in[1], t6, t4, 0xCA);
    LANE t8 = TERNARY(t7, t4, in[2], 0x16);
    LANE t9 = TERNARY(t8, t3, in[1], 0xE4);
    LANE t10 = TERNARY(t1, in[1], in[0], 0x49);
    LANE t11 = TERNARY(t10, t9, t8, 0xD6);
    LANE t12 = TERNARY(t5, t11, t9, 0xCA);
    LANE t13 = TERNARY(t7, t3, in[3], 0x92);
    LANE t14 = TERNARY(t13, t12, t11, 0x1C);
    LANE t15 = TERNARY(t2, t14, t12, 0xCA);
    LANE t16 = TERNARY(t7, t2, in[4], 0x69);
    LANE t17 = TERNARY(t16, t15, t13, 0x1E);
    LANE t18 = TERNARY(t14, in[5], in[0], 0xB5);
    LANE t19 = TERNARY(t18, t16, t2, 0xD2);
    LANE t20 = TERNARY(t19, t17, t3, 0x1B);
    LANE t21 = TERNARY(t0, t19, t20, 0xCA);
    LANE t22 = TERNARY(t8, t17, t21, 0xCA);
    LANE t23 = TERNARY(t7, in[5], in[2], 0x6B);
    LANE t24 = TERNARY(t23, t20, t14, 0x1E);
    LANE t25 = TERNARY(t21, t23, t24, 0xCA);
    LANE t26 = TERNARY(t13, t5, t0, 0x21);
    LANE t27 = TERNARY(t26, t24, t19, 0x68);
    LANE t28 = TERNARY(t11, t25, t27, 0xCA);
    out[0] = t7;
    out[1] = t15;
    out[2] = t28;
    out[3] = t22;
}

/* 26 gates, seed 432 */
static inline __attribute__((always_inline)) void sbox_ternary_2(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[4], in[3], 0x16);
    LANE t1 = TERNARY(t0, in[3], in[1], 0xDA);
    LANE t2 = TERNARY(in[4], in[3], in[1], 0x95);
    LANE t3 = TERNARY(t2, t1, in[5], 0x68);
    LANE t4 = TERNARY(in[2], t3, t1, 0xCA);
    LANE t5 = TERNARY(in[5], in[3], in[2], 0xF9);
    LANE t6 = TERNARY(t5, t4, t0, 0x35);
    LANE t7 = TERNARY(in[0], t4, t6, 0xCA);
    LANE t8 = TERNARY(t2, in[5], in[3], 0x78);
    LANE t9 = TERNARY(t5, t3, in[0], 0x9B);
    LANE t10 = TERNARY(t9, t7, in[3], 0xE0);
    LANE t11 = TERNARY(in[2], t8, t10, 0xCA);
    LANE t12 = TERNARY(in[5], in[2], in[0], 0x69);
    LANE t13 = TERNARY(t12, t8, t6, 0xBC);
    LANE t14 = TERNARY(t0, t13, t11, 0xCA);
    LANE t15 = TERNARY(t10, in[3], in[0], 0xB1);
    LANE t16 = TERNARY(t15, in[4], in[1], 0x68);
    LANE t17 = TERNARY(in[4], in[3], in[0], 0x36);
    LANE t18 = TERNARY(t17, t16, t10, 0x16);
    LANE t19 = TERNARY(t12, t18, t16, 0xCA);
    LANE t20 = TERNARY(t19, t17, t0, 0x76);
    LANE t21 = TERNARY(t20, t7, t2, 0x96);
    LANE t22 = TERNARY(t20, in[4], in[2], 0x60);
    LANE t23 = TERNARY(t22, t12, t1, 0x1E);
    LANE t24 = TERNARY(t5, t23, t13, 0xCA);
    LANE t25 = TERNARY(t11, t21, t24, 0xCA);
    out[0] = t19;
    out[1] = t7;
    out[2] = t14;
    out[3] = t25;
}

/* 25 gates, seed 203 */
static inline __attribute__((always_inline)) void sbox_ternary_3(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[3], in[2], 0xAC);
    LANE t1 = TERNARY(t0, in[5], in[1], 0x96);
    LANE t2 = TERNARY(in[3], in[2], in[1], 0x19);
    LANE t3 = TERNARY(t2, in[4], in[3], 0xBC);
    LANE t4 = TERNARY(t3, in[3], in[1], 0x36);
    LANE t5 = TERNARY(t1, t4, t3, 0xCA);
    LANE t6 = TERNARY(in[0], t5, t1, 0xCA);
    LANE t7 = TERNARY(t1, t0, in[0], 0x9B);
    LANE t8 = TERNARY(t5, in[4], in[1], 0xC8);
    LANE t9 = TERNARY(t8, t6, t2, 0xB8);
    LANE t10 = TERNARY(t4, t7, t9, 0xCA);
    LANE t11 = TERNARY(t1, in[2], in[0], 0x69);
    LANE t12 = TERNARY(t11, t7, in[0], 0xB0);
    LANE t13 = TERNARY(t3, t10, t12, 0xCA);
    LANE t14 = TERNARY(t11, t2, in[0], 0x3D);
    LANE t15 = TERNARY(t14, t13, t6, 0x1E);
    LANE t16 = TERNARY(t14, t13, in[1], 0xB6);
    LANE t17 = TERNARY(t4, t15, t16, 0xCA);
    LANE t18 = TERNARY(t16, t2, in[2], 0x6A);
    LANE t19 = TERNARY(t18, t17, t3, 0x71);
    LANE t20 = TERNARY(t7, t17, t19, 0xCA);
    LANE t21 = TERNARY(t20, in[5], in[3], 0xA2);
    LANE t22 = TERNARY(t19, t4, in[0], 0xBE);
    LANE t23 = TERNARY(t22, t21, t10, 0x35);
    LANE t24 = TERNARY(t11, t21, t23, 0xCA);
    out[0] = t13;
    out[1] = t24;
    out[2] = t20;
    out[3] = t6;
}

/* 23 gates, seed 1068 */
static inline __attribute__((always_inline)) void sbox_ternary_4(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[2], in[1], 0x47);
    LANE t1 = TERNARY(in[4], in[2], in[1], 0x6A);
    LANE t2 = TERNARY(in[3], t0, t1, 0xCA);
    LANE t3 = TERNARY(t0, in[3], in[2], 0x92);
    LANE t4 = TERNARY(t3, t2, in[4], 0x52);
    LANE t5 = TERNARY(in[0], t2, t4, 0xCA);
    LANE t6 = TERNARY(t1, in[2], in[0], 0x6B);
    LANE t7 = TERNARY(t4, t1, in[3], 0x96);
    LANE t8 = TERNARY(t7, t5, in[2], 0xBC);
    LANE t9 = TERNARY(t3, t6, t8, 0xCA);
    LANE t10 = TERNARY(in[5], t9, t5, 0xCA);
    LANE t11 = TERNARY(t7, t0, in[0], 0x78);
    LANE t12 = TERNARY(t4, t2, in[0], 0xB1);
    LANE t13 = TERNARY(in[1], t12, t11, 0xCA);
    LANE t14 = TERNARY(t13, t10, in[3], 0x64);
    LANE t15 = TERNARY(t14, t13, t12, 0xD2);
    LANE t16 = TERNARY(t10, t4, in[1], 0x6A);
    LANE t17 = TERNARY(t5, t16, t15, 0xCA);
    LANE t18 = TERNARY(in[5], t17, t13, 0xCA);
    LANE t19 = TERNARY(t10, t3, t2, 0xA7);
    LANE t20 = TERNARY(t19, t15, t9, 0x96);
    LANE t21 = TERNARY(in[5], t13, t20, 0xCA);
    LANE t22 = TERNARY(t9, t5, in[5], 0x72);
    out[0] = t21;
    out[1] = t18;
    out[2] = t22;
    out[3] = t10;
}

/* 28 gates, seed 16 */
static inline __attribute__((always_inline)) void sbox_ternary_5(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[2], in[0], 0x49);
    LANE t1 = TERNARY(t0, in[5], in[1], 0x96);
    LANE t2 = TERNARY(in[5], in[4], in[2], 0x5B);
    LANE t3 = TERNARY(t2, t1, in[0], 0x3D);
    LANE t4 = TERNARY(t1, t0, in[0], 0x1A);
    LANE t5 = TERNARY(t4, t3, in[4], 0xF1);
    LANE t6 = TERNARY(in[1], t5, t3, 0xCA);
    LANE t7 = TERNARY(in[3], t1, t6, 0xCA);
    LANE t8 = TERNARY(t2, t0, in[2], 0xB2);
    LANE t9 = TERNARY(t8, in[3], in[1], 0xD2);
    LANE t10 = TERNARY(t9, t5, in[5], 0x7D);
    LANE t11 = TERNARY(t10, t2, in[1], 0x94);
    LANE t12 = TERNARY(t7, t11, t9, 0xCA);
    LANE t13 = TERNARY(t8, t3, in[4], 0x4A);
    LANE t14 = TERNARY(t13, t2, in[3], 0x2C);
    LANE t15 = TERNARY(t4, t14, t12, 0xCA);
    LANE t16 = TERNARY(t10, t0, in[3], 0x6E);
    LANE t17 = TERNARY(t16, t14, t13, 0x94);
    LANE t18 = TERNARY(t16, t7, in[0], 0x36);
    LANE t19 = TERNARY(t18, t17, t14, 0x1A);
    LANE t20 = TERNARY(t19, t18, t9, 0x2D);
    LANE t21 = TERNARY(t10, t19, t20, 0xCA);
    LANE t22 = TERNARY(t11, t17, t21, 0xCA);
    LANE t23 = TERNARY(t22, t8, t3, 0x0B);
    LANE t24 = TERNARY(t23, t7, in[1], 0x96);
    LANE t25 = TERNARY(t7, t3, t0, 0x84);
    LANE t26 = TERNARY(t25, t22, in[2], 0x96);
    LANE t27 = TERNARY(t15, t26, t24, 0xCA);
    out[0] = t15;
    out[1] = t7;
    out[2] = t27;
    out[3] = t22;
}

/* 27 gates, seed 140 */
static inline __attribute__((always_inline)) void sbox_ternary_6(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[3], in[0], 0x6F);
    LANE t1 = TERNARY(t0, in[5], in[1], 0x12);
    LANE t2 = TERNARY(in[4], in[3], in[0], 0x69);
    LANE t3 = TERNARY(in[2], t2, t1, 0xCA);
    LANE t4 = TERNARY(in[4], in[3], in[1], 0x8C);
    LANE t5 = TERNARY(t4, t2, in[1], 0x26);
    LANE t6 = TERNARY(t5, in[4], in[2], 0x9E);
    LANE t7 = TERNARY(t3, t4, t6, 0xCA);
    LANE t8 = TERNARY(in[5], t7, t3, 0xCA);
    LANE t9 = TERNARY(t0, in[5], in[2], 0x6C);
    LANE t10 = TERNARY(t9, t5, t1, 0x1C);
    LANE t11 = TERNARY(t10, t9, t2, 0x66);
    LANE t12 = TERNARY(t2, t1, in[1], 0x21);
    LANE t13 = TERNARY(t12, t11, in[2], 0x5E);
    LANE t14 = TERNARY(t7, t13, t11, 0xCA);
    LANE t15 = TERNARY(in[3], t14, t10, 0xCA);
    LANE t16 = TERNARY(t6, in[3], in[0], 0xE3);
    LANE t17 = TERNARY(t8, t6, t4, 0x16);
    LANE t18 = TERNARY(t13, t17, t16, 0xCA);
    LANE t19 = TERNARY(t8, in[3], in[1], 0x45);
    LANE t20 = TERNARY(t19, t14, t9, 0x48);
    LANE t21 = TERNARY(t11, t20, t18, 0xCA);
    LANE t22 = TERNARY(t21, t12, in[4], 0x0D);
    LANE t23 = TERNARY(t22, t15, in[1], 0x96);
    LANE t24 = TERNARY(t15, t6, in[5], 0x64);
    LANE t25 = TERNARY(t24, t14, t12, 0x71);
    LANE t26 = TERNARY(t8, t23, t25, 0xCA);
    out[0] = t8;
    out[1] = t15;
    out[2] = t26;
    out[3] = t21;
}

/* 28 gates, seed 106 */
static inline __attribute__((always_inline)) void sbox_ternary_7(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[5], in[2], in[1], 0x28);
    LANE t1 = TERNARY(in[5], in[2], in[1], 0x16);
    LANE t2 = TERNARY(in[0], t1, t0, 0xCA);
    LANE t3 = TERNARY(t1, t0, in[0], 0x12);
    LANE t4 = TERNARY(t3, in[5], in[1], 0xF9);
    LANE t5 = TERNARY(in[4], t4, t2, 0xCA);
    LANE t6 = TERNARY(t1, in[4], in[1], 0x69);
    LANE t7 = TERNARY(t6, t3, t2, 0x16);
    LANE t8 = TERNARY(in[3], t5, t7, 0xCA);
    LANE t9 = TERNARY(t8, t7, in[2], 0x97);
    LANE t10 = TERNARY(t9, t7, in[1], 0xD8);
    LANE t11 = TERNARY(t6, t0, in[5], 0x32);
    LANE t12 = TERNARY(t11, t10, in[1], 0xA4);
    LANE t13 = TERNARY(in[3], t10, t12, 0xCA);
    LANE t14 = TERNARY(t8, in[3], in[2], 0x93);
    LANE t15 = TERNARY(t14, t13, t12, 0xD2);
    LANE t16 = TERNARY(t2, t15, t13, 0xCA);
    LANE t17 = TERNARY(t12, t2, in[5], 0x39);
    LANE t18 = TERNARY(t17, t14, in[3], 0xAC);
    LANE t19 = TERNARY(t15, t6, t4, 0x70);
    LANE t20 = TERNARY(t18, t8, t7, 0x5B);
    LANE t21 = TERNARY(t13, t20, t19, 0xCA);
    LANE t22 = TERNARY(t10, t21, t18, 0xCA);
    LANE t23 = TERNARY(t17, t9, in[1], 0x34);
    LANE t24 = TERNARY(t23, t15, in[2], 0x96);
    LANE t25 = TERNARY(t6, in[2], in[0], 0x28);
    LANE t26 = TERNARY(t25, t24, in[1], 0x7C);
    LANE t27 = TERNARY(t16, t26, t24, 0xCA);
    out[0] = t22;
    out[1] = t8;
    out[2] = t16;
    out[3] = t27;
}

/* 27 gates, seed 367 */
static inline __attribute__((always_inline)) void sbox_ternary_8(const LANE in[static 6], LANE out[static 4])
{
    LANE t0 = TERNARY(in[4], in[2], in[0], 0x6B);
    LANE t1 = TERNARY(t0, in[4], in[3], 0xD2);
    LANE t2 = TERNARY(in[4], in[3], in[0], 0x94);
    LANE t3 = TERNARY(t2, t1, in[2], 0x5A);
    LANE t4 = TERNARY(in[1], t3, t1, 0xCA);
    LANE t5 = TERNARY(in[2], in[1], in[0], 0x6A);
    LANE t6 = TERNARY(t5, t4, in[4], 0x9E);
    LANE t7 = TERNARY(t5, in[4], in[1], 0x69);
    LANE t8 = TERNARY(in[3], t7, t6, 0xCA);
    LANE t9 = TERNARY(in[5], t8, t4, 0xCA);
    LANE t10 = TERNARY(in[5], in[1], in[0], 0xC6);
    LANE t11 = TERNARY(t10, t3, t0, 0x96);
    LANE t12 = TERNARY(t10, t8, in[5], 0xDC);
    LANE t13 = TERNARY(t12, t11, t10, 0x34);
    LANE t14 = TERNARY(t12, t3, in[1], 0x9A);
    LANE t15 = TERNARY(in[2], t14, t13, 0xCA);
    LANE t16 = TERNARY(t1, t15, t11, 0xCA);
    LANE t17 = TERNARY(t15, t8, t1, 0x87);
    LANE t18 = TERNARY(t17, t4, in[5], 0x72);
    LANE t19 = TERNARY(t18, t8, t3, 0x4D);
    LANE t20 = TERNARY(t19, t18, in[5], 0xD8);
    LANE t21 = TERNARY(in[0], t18, t20, 0xCA);
    LANE t22 = TERNARY(t8, t1, in[5], 0x69);
    LANE t23 = TERNARY(t22, t16, in[3], 0x78);
    LANE t24 = TERNARY(t21, t11, t6, 0x93);
    LANE t25 = TERNARY(t24, t22, in[1], 0xD2);
    LANE t26 = TERNARY(t5, t25, t23, 0xCA);
    out[0] = t21;
    out[1] = t26;
    out[2] = t16;
    out[3] = t9;
}
