#include "http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/tls_names.h"

struct tls {
    atomic_uint refs;
    SSL_CTX *context;
    char *host; /* Of the server, for a client; else NULL. */
};

struct tls_channel {
    SSL *ssl;
    unsigned long failure; /* OpenSSL's. */
    bool is_known;
    struct bytes names; /* Of one that is known. */
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
    atomic_init(&tls->refs, 1);
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
    tls_unref(tls);
    return BYRON_MISUSE;
}

/* NULL, or the file that is wrong. */
static const char *set_up_client(SSL_CTX *context, const struct tls_peer *peer)
{
    static const unsigned char ours[] = {2, 'h', '2'};

    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_alpn_protos(context, ours, sizeof ours) != 0)
        return "ALPN";
    if (!peer->roots && SSL_CTX_set_default_verify_paths(context) != 1)
        return "the system's certificates";
    if (peer->roots &&
        SSL_CTX_load_verify_locations(context, peer->roots, NULL) != 1)
        return peer->roots;
    if (peer->certificate &&
        SSL_CTX_use_certificate_chain_file(context, peer->certificate) != 1)
        return peer->certificate;
    if (peer->key && (SSL_CTX_use_PrivateKey_file(context, peer->key,
                                                  SSL_FILETYPE_PEM) != 1 ||
                      SSL_CTX_check_private_key(context) != 1))
        return peer->key;
    return NULL;
}

byron_status tls_client_new(const struct tls_peer *peer, struct tls **out,
                            char words[TLS_WORDS_SIZE])
{
    struct tls *tls = calloc(1, sizeof *tls);
    const char *wrong;

    snprintf(words, TLS_WORDS_SIZE, "out of memory");
    if (!tls)
        return BYRON_NO_MEMORY;
    atomic_init(&tls->refs, 1);
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->host = strdup(peer->host);
    if (!tls->context || !tls->host) {
        tls_unref(tls);
        return BYRON_NO_MEMORY;
    }
    wrong = set_up_client(tls->context, peer);
    ERR_clear_error();
    if (!wrong) {
        *out = tls;
        return BYRON_OK;
    }
    snprintf(words, TLS_WORDS_SIZE,
             "%.200s: not what TLS needs, or not readable", wrong);
    tls_unref(tls);
    return BYRON_MISUSE;
}

struct tls *tls_ref(struct tls *tls)
{
    if (tls)
        atomic_fetch_add(&tls->refs, 1);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->refs, 1) > 1)
        return;
    SSL_CTX_free(tls->context);
    free(tls->host);
    free(tls);
}

/* --- A channel -------------------------------------------------------------*/

/* Whom it has to be that answers. Names are told to the server, numbers not. */
static bool expect(SSL *ssl, const char *host)
{
    unsigned char number[sizeof(struct in6_addr)];

    SSL_set_connect_state(ssl);
    if (inet_pton(AF_INET, host, number) == 1 ||
        inet_pton(AF_INET6, host, number) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set_tlsext_host_name(ssl, host) == 1 &&
           SSL_set1_host(ssl, host) == 1;
}

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
    if (!tls->host)
        SSL_set_accept_state(channel->ssl);
    if (tls->host && !expect(channel->ssl, tls->host)) {
        tls_channel_free(channel);
        return BYRON_NO_MEMORY;
    }
    *out = channel;
    return BYRON_OK;
}

void tls_channel_free(struct tls_channel *channel)
{
    if (!channel)
        return;
    SSL_free(channel->ssl);
    bytes_deinit(&channel->names);
    free(channel);
}

static bool has_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned int size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

/* The handshake is over. */
static enum tls_state greet(struct tls_channel *channel)
{
    X509 *peer = SSL_get1_peer_certificate(channel->ssl);
    byron_status status = BYRON_OK;

    channel->is_known =
        peer && SSL_get_verify_result(channel->ssl) == X509_V_OK;
    if (channel->is_known)
        status = tls_names_read(peer, &channel->names);
    X509_free(peer);
    return status == BYRON_OK && has_h2(channel->ssl) ? TLS_READY : TLS_FAILED;
}

enum tls_state tls_channel_shake(struct tls_channel *channel)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(channel->ssl);
    if (result == 1)
        return greet(channel);
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    default:
        channel->failure = ERR_peek_error();
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
        channel->failure = ERR_peek_error();
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

const char *tls_channel_why(const struct tls_channel *channel)
{
    long verdict = SSL_get_verify_result(channel->ssl);
    const char *words = ERR_reason_error_string(channel->failure);

    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    if (words)
        return words;
    return SSL_is_init_finished(channel->ssl) && !has_h2(channel->ssl)
               ? "the server does not speak HTTP/2"
               : "the connection ended";
}

bool tls_channel_is_known(const struct tls_channel *channel)
{
    return channel->is_known;
}

bool tls_channel_has_name(const struct tls_channel *channel,
                          struct byron_bytes name)
{
    return tls_names_have(&channel->names, name);
}
