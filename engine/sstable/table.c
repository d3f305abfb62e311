#include "sstable/table.h"

void table_facts_deinit(struct table_facts *facts)
{
    buf_deinit(&facts->smallest);
    buf_deinit(&facts->largest);
}
