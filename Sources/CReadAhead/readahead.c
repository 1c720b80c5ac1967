#define _GNU_SOURCE
#include "CReadAhead.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* The socket that is being read; -1: none. Other threads look at it, to find that theirs is another. */
static atomic_int current = -1;
static char bytes[GH_READ_AHEAD_SIZE];
static size_t first, end;
static int was_full;

int gh_read_ahead_begin(int socket)
{
    int none = -1;
    if (socket < 0 || !atomic_compare_exchange_strong(&current, &none, socket))
        return 0;
    first = end = 0;
    was_full = 0;
    return 1;
}

size_t gh_read_ahead_left(void)
{
    return end - first;
}

int gh_read_ahead_was_full(void)
{
    return was_full;
}

void gh_read_ahead_end(void)
{
    first = end = 0;
    atomic_store(&current, -1);
}

/* recv(2), for this program and the libraries that it loads. */
ssize_t recv(int socket, void *buffer, size_t count, int flags)
{
    if (socket < 0 || socket != atomic_load(&current) || flags != 0 || count == 0)
        return recvfrom(socket, buffer, count, flags, NULL, NULL);
    if (first == end) {
        if (count >= sizeof bytes)
            return recvfrom(socket, buffer, count, 0, NULL, NULL);
        ssize_t got = recvfrom(socket, bytes, sizeof bytes, 0, NULL, NULL);
        was_full = got == (ssize_t)sizeof bytes;
        if (got <= 0)
            return got;
        first = 0;
        end = (size_t)got;
    }
    size_t given = end - first < count ? end - first : count;
    memcpy(buffer, bytes + first, given);
    first += given;
    return (ssize_t)given;
}

static int poll_kernel(struct pollfd *entries, nfds_t count, int timeout)
{
    struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};
    return ppoll(entries, count, timeout < 0 ? NULL : &limit, NULL);
}

/* poll(2), for this program and the libraries that it loads: what was read ahead can be read. */
int poll(struct pollfd *entries, nfds_t count, int timeout)
{
    int socket = atomic_load(&current);
    nfds_t index = 0;
    if (socket >= 0)
        while (index < count && (entries[index].fd != socket || !(entries[index].events & POLLIN)))
            index++;
    if (socket < 0 || index == count || first == end)
        return poll_kernel(entries, count, timeout);

    if (count == 1) {
        /* Whether it can be written to is told as soon as everything is read; libssh asks for both each time. */
        entries[0].revents = POLLIN;
        return 1;
    }
    int ready = poll_kernel(entries, count, 0);
    if (ready < 0)
        return ready;
    ready += entries[index].revents == 0;
    entries[index].revents |= POLLIN;
    return ready;
}
