#include "peer.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* An end of a connection as proc(5) writes it in net/tcp: the address as the
 * processor reads it, the port. */
struct end {
    uint32_t address;
    uint32_t port;
};

static struct end end_of(const struct sockaddr_in *address)
{
    return (struct end){address->sin_addr.s_addr, ntohs(address->sin_port)};
}

static bool end_equal(struct end a, struct end b)
{
    return a.address == b.address && a.port == b.port;
}

/* The owner of the socket that has these ends. */
static bool find_owner(struct end local, struct end remote, uint32_t *uid)
{
    FILE *table = fopen("/proc/self/net/tcp", "re");
    char line[512];
    bool found = false;

    if (table == NULL)
        return false;
    while (!found && fgets(line, sizeof line, table) != NULL) {
        struct end here;
        struct end there;

        /* sl local remote state queues timer retransmits uid ... */
        found = sscanf(line,
                       "%*s %" SCNx32 ":%" SCNx32 " %" SCNx32 ":%" SCNx32
                       " %*s %*s %*s %*s %" SCNu32,
                       &here.address, &here.port, &there.address, &there.port,
                       uid) == 5 &&
                end_equal(here, local) && end_equal(there, remote);
    }
    fclose(table);
    return found;
}

bool peer_is_own(int socket)
{
    struct sockaddr_in here;
    struct sockaddr_in there;
    socklen_t here_size = sizeof here;
    socklen_t there_size = sizeof there;
    uint32_t uid;

    if (getsockname(socket, (struct sockaddr *)&here, &here_size) != 0 ||
        getpeername(socket, (struct sockaddr *)&there, &there_size) != 0)
        return false;
    return find_owner(end_of(&there), end_of(&here), &uid) && uid == geteuid();
}
