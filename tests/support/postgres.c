/* SPDX-License-Identifier: Apache-2.0 */
#include "support/postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS "/usr/lib/postgresql/15/bin/"

enum { READY_TRIES = 600, READY_STEP_MS = 50, KILL_SEEN_MS = 300 };

static char directory[64];
static char data[96];
static pid_t server;
static pid_t owner;
static unsigned databases;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "postgres for tests: %s\n", what);
    fprintf(stderr, "PostgreSQL 15 is needed: run tools/setup, or: apt-get install postgresql\n");
    exit(1);
}

/* The server refuses to run as root. */
static void become_unprivileged(void)
{
    if (getuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        die("there is no user postgres");
}

static pid_t spawn(char *const argv[])
{
    pid_t child = fork();
    if (child != 0)
        return child;
    become_unprivileged();
    (void)setpgid(0, 0); /* Ctrl-C is the test's alone */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log >= 0) {
        dup2(log, 1);
        dup2(log, 2);
    }
    execv(argv[0], argv);
    _exit(127);
}

static void start_server(void)
{
    char *const argv[] = {PROGRAMS "postgres",
                          "-D",
                          data,
                          "-k",
                          directory,
                          "-c",
                          "listen_addresses=",
                          "-c",
                          "max_connections=40",
                          "-c",
                          "shared_buffers=64MB",
                          "-c",
                          "log_min_messages=fatal",
                          NULL};
    server = spawn(argv);
}

static bool ping(void)
{
    char conninfo[128];
    snprintf(conninfo, sizeof conninfo, "host=%s dbname=postgres user=postgres", directory);
    return PQping(conninfo) == PQPING_OK;
}

static void await_ready(void)
{
    for (int i = 0; i < READY_TRIES; i++) {
        if (ping())
            return;
        nanosleep(&(struct timespec){.tv_nsec = READY_STEP_MS * 1000000L}, NULL);
    }
    die("the server did not come up");
}

/* The parent of a process; 0: there is no such process. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = 0;
    int parent = 0;
    const char *after_name = strrchr(text, ')');
    return after_name && sscanf(after_name + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/* To the server and to all that it has started; each of these leads a group of its own. */
static void signal_all(int signum)
{
    if (server <= 0)
        return;
    kill(server, signum);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name) == server)
            kill(atoi(entry->d_name), signum);
    if (processes)
        closedir(processes);
}

void postgres_freeze(void)
{
    signal_all(SIGSTOP);
}

void postgres_thaw(void)
{
    signal_all(SIGCONT);
}

static void stop(void)
{
    if (getpid() != owner || !directory[0])
        return;
    if (server > 0) {
        postgres_thaw();
        kill(server, SIGINT);
        waitpid(server, NULL, 0);
    }
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (chdir("/") != 0 || system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", directory);
}

static void make_cluster(void)
{
    snprintf(directory, sizeof directory, "/tmp/countersign-pg.XXXXXX");
    if (!mkdtemp(directory))
        die("no temporary directory");
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && chown(directory, user->pw_uid, user->pw_gid) != 0)
        die("chown");
    snprintf(data, sizeof data, "%s/data", directory);
    char *const argv[] = {PROGRAMS "initdb", "-D", data,   "-U",         "postgres",  "-A",
                          "trust",           "-E", "UTF8", "--locale=C", "--no-sync", NULL};
    int here = open(".", O_RDONLY | O_DIRECTORY);
    if (chdir(directory) != 0)
        die("chdir");
    int status = 0;
    waitpid(spawn(argv), &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("initdb failed");
    start_server();
    if (fchdir(here) != 0)
        die("fchdir");
    close(here);
}

const char *postgres_socket(void)
{
    if (directory[0])
        return directory;
    if (access(PROGRAMS "initdb", X_OK) != 0)
        die("not installed");
    owner = getpid();
    atexit(stop);
    make_cluster();
    await_ready();
    return directory;
}

/* The first cell as a number; 0: none. */
static int run_sql(const char *sql)
{
    char conninfo[128];
    snprintf(conninfo, sizeof conninfo, "host=%s dbname=postgres user=postgres", postgres_socket());
    PGconn *connection = PQconnectdb(conninfo);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        die(PQerrorMessage(connection));
    int cell = PQntuples(result) > 0 ? atoi(PQgetvalue(result, 0, 0)) : 0;
    PQclear(result);
    PQfinish(connection);
    return cell;
}

void postgres_fresh(struct buf *url)
{
    char sql[64];
    postgres_thaw(); /* a test that failed may have left it frozen */
    snprintf(sql, sizeof sql, "CREATE DATABASE t%u", ++databases);
    (void)run_sql(sql);
    buf_put_text(url, "postgres:host=");
    buf_put_text(url, postgres_socket());
    buf_put_text(url, " user=postgres dbname=t");
    buf_put_integer(url, databases);
    (void)buf_text(url);
}

void postgres_cut_connections(void)
{
    (void)run_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = "
                  "'client backend'");
}

static void signal_backend(int signum)
{
    int pid = run_sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' "
                      "ORDER BY random() LIMIT 1");
    if (pid > 0)
        kill(pid, signum);
}

void postgres_freeze_backend(void)
{
    signal_backend(SIGSTOP);
}

void postgres_kill_backend(void)
{
    signal_backend(SIGKILL);
    nanosleep(&(struct timespec){.tv_nsec = KILL_SEEN_MS * 1000000L}, NULL);
    await_ready();
}

void postgres_crash(void)
{
    kill(server, SIGQUIT); /* immediate shutdown: no checkpoint, as after a crash */
    waitpid(server, NULL, 0);
    server = 0;
}

void postgres_restart(void)
{
    int here = open(".", O_RDONLY | O_DIRECTORY);
    if (chdir(directory) != 0)
        die("chdir");
    start_server();
    if (fchdir(here) != 0)
        die("fchdir");
    close(here);
    await_ready();
}
