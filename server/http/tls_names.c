#include "http/tls_names.h"

#include <openssl/x509v3.h>
#include <string.h>

#define MAX_ALL 8192

/* Each is its size, a byte, and its bytes. */
static byron_status add(struct bytes *names, const unsigned char *name,
                        int size)
{
    uint8_t head = (uint8_t)size;
    byron_status status;

    if (size <= 0 || size > 255 || memchr(name, 0, (size_t)size) ||
        names->size + (size_t)size > MAX_ALL)
        return BYRON_OK;
    status = bytes_add(names, &head, 1);
    return status == BYRON_OK ? bytes_add(names, name, (size_t)size) : status;
}

static byron_status add_common(X509 *certificate, struct bytes *names)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    byron_status status = BYRON_OK;
    int place = -1;

    while (status == BYRON_OK && (place = X509_NAME_get_index_by_NID(
                                      subject, NID_commonName, place)) >= 0) {
        unsigned char *text = NULL;
        int size = ASN1_STRING_to_UTF8(
            &text,
            X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
        status = add(names, text, size);
        OPENSSL_free(text);
    }
    return status;
}

static byron_status add_alternative(X509 *certificate, struct bytes *names)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    byron_status status = BYRON_OK;

    for (int i = 0; i < sk_GENERAL_NAME_num(all) && status == BYRON_OK; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS || name->type == GEN_EMAIL ||
            name->type == GEN_URI)
            status = add(names, ASN1_STRING_get0_data(name->d.ia5),
                         ASN1_STRING_length(name->d.ia5));
    }
    GENERAL_NAMES_free(all);
    return status;
}

byron_status tls_names_read(X509 *certificate, struct bytes *out)
{
    byron_status status = add_common(certificate, out);

    return status == BYRON_OK ? add_alternative(certificate, out) : status;
}

bool tls_names_have(const struct bytes *names, struct byron_bytes name)
{
    for (size_t at = 0; at < names->size; at += 1u + names->data[at])
        if (names->data[at] == name.size &&
            memcmp(names->data + at + 1, name.data, name.size) == 0)
            return true;
    return false;
}
