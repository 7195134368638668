#include "env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DATABASES_MAX 16
#define FILE_MODE 0600

enum status env_status(int answer)
{
    switch (answer) {
    case MDB_SUCCESS:
        return STATUS_OK;
    case MDB_NOTFOUND:
    case ENOENT:
        return STATUS_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_FULL;
    case ENOMEM:
    case MDB_TXN_FULL:
        return STATUS_NOMEM;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_VALSIZE:
        return STATUS_CORRUPT;
    default:
        return STATUS_IO;
    }
}

static uint64_t page_bytes(const struct env *env)
{
    MDB_stat stat = {0};

    mdb_env_stat(env->mdb, &stat);
    return stat.ms_psize;
}

uint64_t env_used_bytes(const struct env *env)
{
    MDB_envinfo info = {0};

    mdb_env_info(env->mdb, &info);
    return (info.me_last_pgno + 1) * page_bytes(env);
}

/* A file that ends before its last page would be a SIGBUS later. */
static bool cut_short(const struct env *env)
{
    struct stat file;
    int fd;

    if (mdb_env_get_fd(env->mdb, &fd) != 0 || fstat(fd, &file) != 0)
        return true;
    return (uint64_t)file.st_size < env_used_bytes(env);
}

/* One line of /proc/self/maps; true when it maps this file.  The device is
 * not compared: btrfs and overlayfs tell another one here than to stat. */
static bool map_line(const char *line, const struct stat *file,
                     unsigned long *start, unsigned long *end)
{
    unsigned long inode;

    return sscanf(line, "%lx-%lx %*s %*x %*s %lu", start, end, &inode) == 3 &&
           inode == file->st_ino && strstr(line, "/data.mdb") != NULL;
}

/* LMDB does not tell where it mapped the file; the kernel does. */
static void find_map(struct env *env)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct stat file;
    char line[ENV_PATH_MAX + 128];
    unsigned long start;
    unsigned long end;
    int fd;

    env->map = NULL;
    env->map_bytes = 0;
    if (maps == NULL)
        return;
    if (mdb_env_get_fd(env->mdb, &fd) == 0 && fstat(fd, &file) == 0)
        while (env->map == NULL && fgets(line, sizeof line, maps) != NULL)
            if (map_line(line, &file, &start, &end)) {
                env->map = (uint8_t *)start; /* NOLINT: the kernel's number */
                env->map_bytes = end - start;
            }
    fclose(maps);
}

static uint64_t whole_megabytes(uint64_t bytes)
{
    const uint64_t megabyte = UINT64_C(1) << 20;

    return (bytes + megabyte - 1) / megabyte * megabyte;
}

enum status env_open(struct env *env, const char *path, uint64_t map_bytes,
                     unsigned flags)
{
    enum status status;
    int answer;

    *env = (struct env){.flags = flags};
    if (strlen(path) >= sizeof env->path)
        return STATUS_INVALID;
    snprintf(env->path, sizeof env->path, "%s", path);
    if (mdb_env_create(&env->mdb) != 0)
        return STATUS_NOMEM;
    answer = mdb_env_set_maxdbs(env->mdb, DATABASES_MAX);
    if (answer == 0 && (flags & MDB_RDONLY) == 0)
        answer = mdb_env_set_mapsize(env->mdb, whole_megabytes(map_bytes));
    if (answer == 0)
        answer = mdb_env_open(env->mdb, path, flags | MDB_NOTLS | MDB_NORDAHEAD,
                              FILE_MODE);
    status = env_status(answer);
    if (status == STATUS_OK && cut_short(env))
        status = STATUS_CORRUPT;
    if (status != STATUS_OK)
        env_close(env);
    else
        find_map(env);
    return status;
}

void env_close(struct env *env)
{
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    env->mdb = NULL;
    env->map = NULL;
}

bool env_has_room(const struct env *env, uint64_t more)
{
    MDB_envinfo info = {0};

    mdb_env_info(env->mdb, &info);
    return env_used_bytes(env) + more <= info.me_mapsize;
}

enum status env_make_room(struct env *env, uint64_t more)
{
    uint64_t need = env_used_bytes(env) + more;
    enum status status = env_status(
        mdb_env_set_mapsize(env->mdb, whole_megabytes(need + need / 2)));

    find_map(env);
    return status;
}

void env_trim(const struct env *env)
{
    uint64_t used;

    if (env->mdb == NULL || env->map == NULL)
        return;
    used = env_used_bytes(env);
    if (used > env->map_bytes)
        used = env->map_bytes;
    (void)madvise(env->map, used, MADV_DONTNEED);
}
