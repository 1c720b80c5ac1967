/* Reads a connection of libssh in larger pieces than libssh asks for.
 *
 * libssh 0.10 reads 4096 bytes at a time (MAX_BUF_SIZE in its socket.c), each after a poll(2): two system calls for an eighth of a
 * packet, a quarter of a gateway's processor time when much is transferred, and no option changes it. Whoever links this target has
 * poll(3) and recv(3) of its own, which the dynamic linker gives to libssh as well. Outside of gh_read_ahead_begin and _end, and for
 * every other descriptor, they are what they are in libc. Between the two nothing is ever left unread: the caller goes on until
 * gh_read_ahead_left says so, so that poll(2) tells the truth about the socket afterwards.
 */
#ifndef GATEHOUSE_CREADAHEAD_H
#define GATEHOUSE_CREADAHEAD_H

#include <stddef.h>

/* Bytes that are read at once at the most. */
#define GH_READ_AHEAD_SIZE (128 * 1024)

/* From now on recv(3) from this socket reads ahead, by this thread, which alone may use the socket.
 * Returns 1; 0 when another connection is being read, upon which nothing changes. */
int gh_read_ahead_begin(int socket);

/* Bytes that were read and that recv(3) has not given yet. */
size_t gh_read_ahead_left(void);

/* Whether the last read from the socket got all that was asked for, so that there may be more. */
int gh_read_ahead_was_full(void);

/* Ends what gh_read_ahead_begin began; what is left is gone with a connection that is given up. */
void gh_read_ahead_end(void);

#endif
