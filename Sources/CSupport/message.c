#include "CSupport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control_buffer {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * GH_MAX_DESCRIPTORS)];
};

ssize_t gh_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count, int flags)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    union control_buffer control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (descriptor_count > GH_MAX_DESCRIPTORS)
        return -EINVAL;
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(rights), descriptors, sizeof(int) * descriptor_count);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t gh_receive(int socket, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count, int flags)
{
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union control_buffer control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    size_t limit = *descriptor_count;

    *descriptor_count = 0;
    ssize_t received;
    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -errno;

    int too_many = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(item) + i * sizeof(int), sizeof descriptor);
            if (*descriptor_count < limit) {
                descriptors[(*descriptor_count)++] = descriptor;
            } else {
                close(descriptor);
                too_many = 1;
            }
        }
    }
    if (too_many) {
        for (size_t i = 0; i < *descriptor_count; i++)
            close(descriptors[i]);
        *descriptor_count = 0;
        return -EMSGSIZE;
    }
    return received;
}
