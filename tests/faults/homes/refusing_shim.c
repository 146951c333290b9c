/* Preloaded into a command, refuses what it asks of the disk below one folder.
 *
 * REFUSE_BELOW  the folder
 * REFUSE_AFTER  so many calls succeed first; all later ones fail
 * REFUSE_WITH   the number of the error, such as that of ENOSPC
 *
 * A call is one that opens a file for writing, writes, grows, syncs, renames or makes a folder:
 * whatever a full disk, a read-only one or a process without descriptors may refuse. With ENOSPC
 * opening is refused only where it would make a file, and with EROFS and EMFILE nothing but
 * opening, making and renaming is: so do the systems themselves.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

/* Whether this call is refused; errno says why. */
static int refused(const char *path) {
    const char *below = getenv("REFUSE_BELOW"), *after = getenv("REFUSE_AFTER");
    if (!below || !after || !path || strncmp(path, below, strlen(below)))
        return 0;
    if (__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) < atol(after))
        return 0;
    errno = atoi(getenv("REFUSE_WITH"));
    return 1;
}

static int is(int number) {
    const char *with = getenv("REFUSE_WITH");
    return with && atoi(with) == number;
}

static int refused_open(const char *path, int flags) {
    int makes = (flags & O_CREAT) && access(path, F_OK) != 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    if (is(ENOSPC) ? !makes : is(EROFS) ? !(makes || writes) : 0)
        return 0;
    return refused(path);
}

static int refused_write(int fd) {
    char link[64], path[PATH_MAX];
    if (is(EROFS) || is(EMFILE) || is(EACCES) || !getenv("REFUSE_BELOW"))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return refused(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;                  \
        va_end(more);                                                                              \
        return refused_open(path, flags) ? -1 : NEXT(name)(path, flags, mode);                     \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t size) {
    return refused_write(fd) ? -1 : NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return refused_write(fd) ? -1 : NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return refused_write(fd) ? -1 : NEXT(pwrite64)(fd, data, size, at);
}
int ftruncate64(int fd, off64_t size) { return refused_write(fd) ? -1 : NEXT(ftruncate64)(fd, size); }
int fsync(int fd) { return refused_write(fd) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return refused_write(fd) ? -1 : NEXT(fdatasync)(fd); }
int mkdir(const char *path, mode_t mode) {
    return !is(EMFILE) && refused(path) ? -1 : NEXT(mkdir)(path, mode);
}
int rename(const char *from, const char *to) {
    return !is(EMFILE) && refused(to) ? -1 : NEXT(rename)(from, to);
}
