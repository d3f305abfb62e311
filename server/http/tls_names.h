/*
 * tls_names: the names that a certificate is for.
 *
 * Inside http/ only: it knows OpenSSL.
 */
#ifndef BYROND_HTTP_TLS_NAMES_H
#define BYROND_HTTP_TLS_NAMES_H

#include <openssl/x509.h>

#include "net/bytes.h"

/* Adds the subject's common names, and the alternative names of hosts, mail
   addresses and URIs; not those of more than 255 bytes, or with a zero byte,
   nor more than there is room for. */
BYRON_MUST_CHECK byron_status tls_names_read(X509 *certificate,
                                             struct bytes *out);
bool tls_names_have(const struct bytes *names, struct byron_bytes name);

#endif
