#include "http/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    SSL_CTX *context;
};

struct tls_channel {
    SSL *ssl;
    bool is_known;
};

/* --- Settings --------------------------------------------------------------*/

static int choose_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_size,
                           const unsigned char *offered,
                           unsigned int offered_size, void *context)
{
    static const unsigned char ours[] = {2, 'h', '2'};

    (void)ssl;
    (void)context;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_size,
                                 ours, sizeof ours, offered,
                                 offered_size) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static const char *set_clients(SSL_CTX *context, const char *clients,
                               bool must_show)
{
    int how = SSL_VERIFY_PEER;
    STACK_OF(X509_NAME) * names;

    if (!clients)
        return NULL;
    if (SSL_CTX_load_verify_locations(context, clients, NULL) != 1)
        return clients;
    names = SSL_load_client_CA_file(clients);
    if (!names)
        return clients;
    SSL_CTX_set_client_CA_list(context, names);
    if (must_show)
        how |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, how, NULL);
    return NULL;
}

/* NULL, or the file that is wrong. */
static const char *set_up(SSL_CTX *context, const char *certificate,
                          const char *key, const char *clients, bool must_show)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    /* Resumed sessions would need an id of ours where clients have to show
       certificates; handshakes are rare, as connections last. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return certificate;
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return key;
    return set_clients(context, clients, must_show);
}

byron_status tls_new(const char *certificate, const char *key,
                     const char *clients, bool must_show, struct tls **out,
                     char words[TLS_WORDS_SIZE])
{
    struct tls *tls = calloc(1, sizeof *tls);
    const char *wrong;

    snprintf(words, TLS_WORDS_SIZE, "out of memory");
    if (!tls)
        return BYRON_NO_MEMORY;
    tls->context = SSL_CTX_new(TLS_server_method());
    if (!tls->context) {
        free(tls);
        return BYRON_NO_MEMORY;
    }
    wrong = set_up(tls->context, certificate, key, clients, must_show);
    ERR_clear_error();
    if (!wrong) {
        *out = tls;
        return BYRON_OK;
    }
    /* What OpenSSL says might quote the key. */
    snprintf(words, TLS_WORDS_SIZE,
             "%.200s: not what TLS needs, or not readable", wrong);
    tls_free(tls);
    return BYRON_MISUSE;
}

void tls_free(struct tls *tls)
{
    if (tls)
        SSL_CTX_free(tls->context);
    free(tls);
}

/* --- A channel -------------------------------------------------------------*/

byron_status tls_channel_new(struct tls *tls, int fd, struct tls_channel **out)
{
    struct tls_channel *channel = calloc(1, sizeof *channel);

    if (!channel)
        return BYRON_NO_MEMORY;
    channel->ssl = SSL_new(tls->context);
    if (!channel->ssl || SSL_set_fd(channel->ssl, fd) != 1) {
        tls_channel_free(channel);
        return BYRON_NO_MEMORY;
    }
    SSL_set_accept_state(channel->ssl);
    *out = channel;
    return BYRON_OK;
}

void tls_channel_free(struct tls_channel *channel)
{
    if (channel)
        SSL_free(channel->ssl);
    free(channel);
}

static bool has_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned int size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

enum tls_state tls_channel_shake(struct tls_channel *channel)
{
    X509 *peer;
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(channel->ssl);
    if (result == 1) {
        peer = SSL_get1_peer_certificate(channel->ssl);
        channel->is_known =
            peer && SSL_get_verify_result(channel->ssl) == X509_V_OK;
        X509_free(peer);
        return has_h2(channel->ssl) ? TLS_READY : TLS_FAILED;
    }
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    default:
        return TLS_FAILED;
    }
}

static ssize_t result_of(struct tls_channel *channel, int result)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        errno = EIO;
        return -1;
    }
}

static int limit(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

ssize_t tls_channel_receive(struct tls_channel *channel, void *to, size_t room)
{
    ERR_clear_error();
    return result_of(channel, SSL_read(channel->ssl, to, limit(room)));
}

ssize_t tls_channel_send(struct tls_channel *channel, const void *from,
                         size_t size)
{
    ERR_clear_error();
    return result_of(channel, SSL_write(channel->ssl, from, limit(size)));
}

bool tls_channel_is_known(const struct tls_channel *channel)
{
    return channel->is_known;
}
