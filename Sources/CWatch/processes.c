#define _GNU_SOURCE
#include "CWatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where fields of a datagram lie; each holds one message. */
#define CONTENT (sizeof(struct nlmsghdr) + sizeof(struct cn_msg))
#define FIELD(name) (unsigned int)(CONTENT + offsetof(struct proc_event, name))
#define WORD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(name))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(value), yes, no)

/* Lets through what concerns whole processes; loads are in network order, so constants are turned round. */
static int attach_filter(int channel)
{
    struct sock_filter program[] = {
        WORD(what),
        IS(PROC_EVENT_FORK, 7, 0),
        IS(PROC_EVENT_EXIT, 10, 0),
        IS(PROC_EVENT_EXEC, 4, 0),
        IS(PROC_EVENT_UID, 3, 0),
        IS(PROC_EVENT_SID, 2, 0),
        IS(PROC_EVENT_NONE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, ~0u),
        WORD(event_data.fork.child_pid),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        WORD(event_data.fork.child_tgid),
        BPF_JUMP(BPF_JMP | BPF_JA, 3, 0, 0),
        WORD(event_data.exit.process_pid),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        WORD(event_data.exit.process_tgid),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, ~0u),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog all = {.len = sizeof program / sizeof program[0], .filter = program};
    return setsockopt(channel, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all);
}

int gh_processes_open(void)
{
    int channel = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
    if (channel < 0)
        return -errno;
    int room = 16 << 20;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
    enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
    struct nlmsghdr header = {.nlmsg_len = CONTENT + sizeof operation, .nlmsg_type = NLMSG_DONE};
    struct cn_msg content = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof operation};
    uint8_t request[CONTENT + sizeof operation];
    memcpy(request, &header, sizeof header);
    memcpy(request + sizeof header, &content, sizeof content);
    memcpy(request + CONTENT, &operation, sizeof operation);
    if (setsockopt(channel, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 || attach_filter(channel) < 0 ||
        bind(channel, (struct sockaddr *)&address, sizeof address) < 0 ||
        send(channel, request, sizeof request, 0) < 0) {
        int problem = errno;
        close(channel);
        return -problem;
    }
    return channel;
}
