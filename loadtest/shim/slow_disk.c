/* A disk that is slow, and that can lose what was not synced: preloaded into a process, it delays each fsync by the
   milliseconds that stand in the file named by the variable DISK_DELAY_FILE, read anew at each call, and then writes a line
   to the file named by DISK_SYNCED_FILE: how long the file was when its sync began, and its path. Whoever plays a power cut
   shortens each file to that. It asks the kernel itself, so that it needs no other definition of what it replaces.

   cc -shared -fPIC -O2 -o slow_disk.so slow_disk.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long delay_ms(void) {
  const char *path = getenv("DISK_DELAY_FILE");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  char text[32] = {0};
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? strtol(text, NULL, 10) : 0;
}

static void note(int fd, long long length) {
  const char *list = getenv("DISK_SYNCED_FILE");
  char link[64], path[PATH_MAX], line[PATH_MAX + 32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = list ? readlink(link, path, sizeof path - 1) : -1;
  if (size <= 0) return;
  path[size] = 0;
  int out = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return;
  int count = snprintf(line, sizeof line, "%lld %s\n", length, path);
  /* One write, so that lines of several threads do not mix. */
  if (write(out, line, (size_t)count) < 0) perror(list);
  close(out);
}

static int sync_slowly(long call, int fd) {
  struct stat before;
  int is_file = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
  long delay = delay_ms();
  struct timespec left = {delay / 1000, delay % 1000 * 1000000};
  while (delay > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  int failed = (int)syscall(call, fd);
  int why = errno;
  if (!failed && is_file) note(fd, (long long)before.st_size);
  errno = why;
  return failed;
}

int fsync(int fd) { return sync_slowly(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_slowly(SYS_fdatasync, fd); }
