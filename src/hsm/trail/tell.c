/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/tell.h"

#include "hostcmd/error.h"
#include "hsm/trail/audit.h"

static struct hsm_audit *trail(const struct hsm *hsm)
{
    return hsm_config(hsm)->audit;
}

static void put_log(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (hsm_env(hsm)->log)
        log_write(hsm_env(hsm)->log, level, event, field, count);
}

static enum err put_both(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count,
                         bool durable)
{
    put_log(hsm, level, event, field, count);
    return hsm_audit_write(trail(hsm), event, field, count, durable);
}

void hsm_tell(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    /* What officers take away or grant is done; a line that is lost is told and counted by the trail. */
    (void)!put_both(hsm, level, event, field, count, true);
}

/* A peer must not fill the disk. */
bool hsm_tell_admits(struct hsm *hsm, enum hsm_tell_kind kind)
{
    struct hsm_tell_limit *limit = hsm_tell_limit(hsm, kind);
    int64_t second = env_monotonic_us(hsm_env(hsm)) / 1000000;
    if (second != limit->second) {
        const struct log_field left_out[] = {LOG_INT("lines", limit->lines - HSM_TELL_LINES)};
        if (limit->lines > HSM_TELL_LINES)
            (void)!put_both(hsm, LOG_WARN, "hsm.left_out", left_out, 1, false);
        *limit = (struct hsm_tell_limit){.second = second};
    }
    return ++limit->lines <= HSM_TELL_LINES;
}

void hsm_tell_limited(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (hsm_tell_admits(hsm, HSM_TELL_REFUSALS))
        (void)!put_both(hsm, level, event, field, count, false);
}

enum err hsm_tell_command(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row, enum err answer)
{
    bool refused = answer != ERR_OK && answer != ERR_VERIFY_FAILED;
    bool always = row->audit == HOSTCMD_AUDIT_ALWAYS;
    const struct log_field field[] = {LOG_TEXT("command", row->code), LOG_TEXT("answer", err_row(answer)->host_code),
                                      LOG_TEXT("why", err_row(answer)->name), LOG_TEXT("client", client->name)};
    enum log_level level = refused ? LOG_WARN : LOG_INFO;
    if (!always && refused && row->audit == HOSTCMD_AUDIT_FAILURE)
        hsm_tell_limited(hsm, level, "hsm.command", field, sizeof field / sizeof field[0]);
    if (!always)
        return answer;
    enum err err = put_both(hsm, level, "hsm.command", field, sizeof field / sizeof field[0], true);
    return err != ERR_OK && hsm_config(hsm)->hardened ? HOSTCMD_ERR_INTERNAL : answer;
}
