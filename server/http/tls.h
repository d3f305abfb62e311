/*
 * tls: TLS under a connection, by OpenSSL.
 *
 * TLS 1.2 and newer, with ALPN "h2" alone. http/ alone knows OpenSSL. Functions
 * of a channel are for its loop's thread, and never wait.
 */
#ifndef BYROND_HTTP_TLS_H
#define BYROND_HTTP_TLS_H

#include <sys/types.h>

#include "byron.h"

struct tls;         /* Certificate and key: shared by all. */
struct tls_channel; /* One connection's. */

#define TLS_WORDS_SIZE 256

/* Files in PEM: our certificate and those up to its root, its key, and what
   signs clients' certificates (NULL: no client has to show one). must_show: a
   client without a certificate is turned away. Else words say what is wrong. */
BYRON_MUST_CHECK byron_status tls_new(const char *certificate, const char *key,
                                      const char *clients, bool must_show,
                                      struct tls **out,
                                      char words[TLS_WORDS_SIZE]);
/* For a client: channels of it verify that the server is host, by roots in PEM
   (NULL: the system's), and show a certificate (NULL: none). */
struct tls_peer {
    const char *host; /* Name or number. */
    const char *roots;
    const char *certificate;
    const char *key;
};
BYRON_MUST_CHECK byron_status tls_client_new(const struct tls_peer *peer,
                                             struct tls **out,
                                             char words[TLS_WORDS_SIZE]);
/* From any thread. NULL is fine. */
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls);

BYRON_MUST_CHECK byron_status tls_channel_new(struct tls *tls, int fd,
                                              struct tls_channel **out);
void tls_channel_free(struct tls_channel *channel); /* NULL is fine. */
enum tls_state {
    TLS_READY,
    TLS_WANTS_READ, /* The handshake waits for the peer, */
    TLS_WANTS_WRITE,
    TLS_FAILED,
};
/* Goes on with the handshake, until TLS_READY. */
enum tls_state tls_channel_shake(struct tls_channel *channel);
/* As recv and send: 0 at the end, -1 and errno (EAGAIN, or EIO). Requires:
   ready. */
ssize_t tls_channel_receive(struct tls_channel *channel, void *to, size_t room);
ssize_t tls_channel_send(struct tls_channel *channel, const void *from,
                         size_t size);
/* Why a client's channel has failed. */
const char *tls_channel_why(const struct tls_channel *channel);
/* The peer has shown a certificate that clients' signers have signed. */
bool tls_channel_is_known(const struct tls_channel *channel);
/* It is for this name: the subject's common name, or an alternative one that is
   of a host, an address of mail or a URI. */
bool tls_channel_has_name(const struct tls_channel *channel,
                          struct byron_bytes name);

#endif
