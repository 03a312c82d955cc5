/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a layout profile: what is accepted comes back from its text, makes sound rows, and carries a moment both ways. */
#include "hostcmd/layout/layout.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1767225600 };

static void carry(const struct hostcmd_layout *layout, uint32_t minutes)
{
    struct hostcmd_moment moment = {NOW_S, minutes}, back = {0};
    struct hostcmd_qy qy = {0}, again;
    struct hostcmd_tail tail;
    uint8_t room[512];
    struct buf out = buf_over(room, sizeof room);
    bool fits = WIRE_SET(qy.key, span_text("UB68E039974B21519E5E2226866C4D3A0")) && WIRE_SET(qy.method, span_text("A")) &&
                WIRE_SET(qy.pan, span_text("4123456789012345")) && WIRE_SET(qy.expiry, span_text("2812")) &&
                WIRE_SET(qy.service, span_text("000"));
    const struct hostcmd_row *row = hostcmd_layout_row(layout, HOSTCMD_QY);
    ASSERT(fits);
    if (hostcmd_layout_qy(layout, &moment, &qy) != ERR_OK)
        return;
    ASSERT(hostcmd_request_build_row(row, &qy, HOSTCMD_LMK_DEFAULT, &out) == ERR_OK);
    ASSERT(hostcmd_request_parse(row, span_slice(buf_span(&out), 2, SIZE_MAX), &again, &tail, NULL) == ERR_OK);
    ASSERT(hostcmd_layout_moment(layout, WIRE_SPAN(again.time), WIRE_SPAN(again.twu), NOW_S, &back) == ERR_OK);
    ASSERT(back.unix_s == NOW_S && back.twu_minutes == minutes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostcmd_layout layout;
    struct hostcmd_profile profile, again;
    struct hostcmd_layout_problem problem;
    uint8_t one[2048], two[2048];
    struct buf first = buf_over(one, sizeof one), second = buf_over(two, sizeof two);
    if (hostcmd_profile_parse(span_of(data, size), &profile, &problem) != ERR_OK) {
        ASSERT(problem.text);
        return 0;
    }
    hostcmd_profile_put(&profile, &first);
    ASSERT(buf_done(&first) == ERR_OK);
    ASSERT(hostcmd_profile_parse(buf_span(&first), &again, &problem) == ERR_OK);
    hostcmd_profile_put(&again, &second);
    ASSERT(span_equal(buf_span(&first), buf_span(&second)));
    ASSERT(hostcmd_layout_fill(&profile, &layout) == ERR_OK);
    for (uint32_t minutes = 30; minutes <= HOSTCMD_TWU_MOST; minutes += 30)
        carry(&layout, minutes);
    return 0;
}
