/* Preloaded into a gateway, writes down in one order what reaches its disk and its peers.
 *
 * Lines of the file that ORDER_LOG names, in the order in which things happened:
 *
 *   written PATH TOKEN...     a write to a write-ahead log has returned
 *   syncing THREAD PATH       a sync of one begins
 *   synced THREAD PATH        it has returned, and did not fail
 *   replied FD TOKEN...       a write to a socket is about to begin
 *
 * A token is a run of 32 or more upper-case hexadecimal digits, so it holds a session id; in a
 * database the neighbouring columns may look like more of them. Every sync takes ORDER_SYNC_US
 * microseconds longer, as on a slow disk, so that whoever does not wait for it is seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define TOKEN_MIN 32
#define LINE 65536

static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static useconds_t longer;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("ORDER_LOG"), *delay = getenv("ORDER_SYNC_US");
    if (path)
        journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    longer = delay ? (useconds_t)atoi(delay) : 0;
}

static int is_session_digit(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* Appends each token; gives the new length of the line. */
static size_t add_tokens(char *line, size_t length, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t at = 0, run; at < size; at += run + 1) {
        for (run = 0; at + run < size && is_session_digit(bytes[at + run]);)
            run++;
        if (run >= TOKEN_MIN && length + run + 2 < LINE) {
            line[length++] = ' ';
            memcpy(line + length, bytes + at, run);
            length += run;
        }
    }
    return length;
}

/* Past our own wrappers, and whole: one line is one call, under the lock that orders them. */
static void put(char *line, size_t length) {
    line[length++] = '\n';
    pthread_mutex_lock(&one_by_one);
    if (syscall(SYS_write, journal, line, length) != (ssize_t)length)
        abort();
    pthread_mutex_unlock(&one_by_one);
}

/* What a descriptor is: 'w' a write-ahead log, 's' a socket, else 0. */
static char kind_of(int fd, char *path, size_t size) {
    char link[64];
    if (journal < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 4)
        return 0;
    path[length] = 0;
    return !strcmp(path + length - 4, "-wal") ? 'w' : !strncmp(path, "socket:", 7) ? 's' : 0;
}

static void note_reply(int fd, const struct iovec *parts, size_t count) {
    char path[4096], line[LINE];
    if (kind_of(fd, path, sizeof path) != 's')
        return;
    size_t start = (size_t)snprintf(line, sizeof line, "replied %d", fd), length = start;
    for (size_t part = 0; part < count; part++)
        length = add_tokens(line, length, parts[part].iov_base, parts[part].iov_len);
    if (length > start)
        put(line, length);
}

static void note_written(int fd, const void *data, ssize_t size) {
    char path[4096], line[LINE];
    if (size <= 0 || kind_of(fd, path, sizeof path) != 'w')
        return;
    size_t start = (size_t)snprintf(line, sizeof line, "written %s", path);
    size_t length = add_tokens(line, start, data, (size_t)size);
    if (length > start)
        put(line, length);
}

static int synced(int fd, long number) {
    char path[4096], line[LINE];
    int kept = kind_of(fd, path, sizeof path) == 'w';
    long thread = syscall(SYS_gettid);
    if (kept)
        put(line, (size_t)snprintf(line, sizeof line, "syncing %ld %s", thread, path));
    usleep(longer);
    int failed = (int)syscall(number, fd);
    if (kept && !failed)
        put(line, (size_t)snprintf(line, sizeof line, "synced %ld %s", thread, path));
    return failed;
}

int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
int fsync(int fd) { return synced(fd, SYS_fsync); }

/* The next definition of the same name: libc's. */
#define LIBC(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    ssize_t done = LIBC(ssize_t, pwrite, int, const void *, size_t, off_t)(fd, data, size, at);
    note_written(fd, data, done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    ssize_t done = LIBC(ssize_t, pwrite64, int, const void *, size_t, off64_t)(fd, data, size, at);
    note_written(fd, data, done);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) {
    note_reply(fd, &(struct iovec){(void *)data, size}, 1);
    ssize_t done = LIBC(ssize_t, write, int, const void *, size_t)(fd, data, size);
    note_written(fd, data, done);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    note_reply(fd, parts, (size_t)count);
    return LIBC(ssize_t, writev, int, const struct iovec *, int)(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    note_reply(fd, &(struct iovec){(void *)data, size}, 1);
    return LIBC(ssize_t, send, int, const void *, size_t, int)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    note_reply(fd, message->msg_iov, message->msg_iovlen);
    return LIBC(ssize_t, sendmsg, int, const struct msghdr *, int)(fd, message, flags);
}
