#include "grpc/metadata.h"

#include <string.h>

void metadata_deinit(struct metadata *metadata)
{
    bytes_deinit(&metadata->text);
    bytes_deinit(&metadata->fields);
}

byron_status metadata_add(struct metadata *metadata, struct byron_bytes name,
                          struct byron_bytes value)
{
    struct metadata_field field = {name.size, value.size};
    byron_status status =
        bytes_reserve(&metadata->text, name.size + value.size);

    if (status == BYRON_OK)
        status = bytes_add(&metadata->fields, &field, sizeof field);
    if (status == BYRON_OK)
        status = bytes_add(&metadata->text, name.data, name.size);
    if (status == BYRON_OK)
        status = bytes_add(&metadata->text, value.data, value.size);
    return status;
}

size_t metadata_count(const struct metadata *metadata)
{
    return metadata->fields.size / sizeof(struct metadata_field);
}

size_t metadata_list(const struct metadata *metadata, struct http_field *out,
                     size_t room)
{
    const uint8_t *text = metadata->text.data;
    size_t count = metadata_count(metadata);

    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++) {
        struct metadata_field field;
        memcpy(&field, metadata->fields.data + i * sizeof field, sizeof field);
        out[i].name.data = text;
        out[i].name.size = field.name_size;
        text += field.name_size;
        out[i].value.data = text;
        out[i].value.size = field.value_size;
        text += field.value_size;
    }
    return count;
}

bool metadata_get(const struct metadata *metadata, const char *name,
                  struct byron_bytes *out)
{
    const uint8_t *text = metadata->text.data;
    size_t count = metadata_count(metadata);

    for (size_t i = 0; i < count; i++) {
        struct metadata_field field;
        struct byron_bytes found;
        memcpy(&field, metadata->fields.data + i * sizeof field, sizeof field);
        found.data = text;
        found.size = field.name_size;
        if (bytes_equal(found, name)) {
            out->data = text + field.name_size;
            out->size = field.value_size;
            return true;
        }
        text += field.name_size + field.value_size;
    }
    return false;
}
