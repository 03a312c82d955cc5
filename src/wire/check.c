/* SPDX-License-Identifier: Apache-2.0 */
/* The self-check of a table: what a careless row could say wrongly is refused before it runs. */
#include "wire/internal.h"

#include <string.h>

static bool earlier_member(const struct wire_record *record, size_t row, size_t offset)
{
    for (size_t i = 0; i < row; i++)
        if (record->field[i].cap > 0 && record->field[i].member == offset)
            return true;
    return false;
}

static size_t longest_choice(const char *choices)
{
    size_t longest = 0;
    struct span choice;
    while (wire_choice_next(&choices, &choice))
        if (choice.len > longest)
            longest = choice.len;
    return longest;
}

static bool kind_complete(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_CONST:
        return field->literal && *field->literal && field->cap == 0;
    case WIRE_ENUM:
        return field->choices && longest_choice(field->choices) > 0 &&
               (field->cap == 0 || longest_choice(field->choices) <= field->cap);
    case WIRE_SHAPED:
        return field->shape && field->shape_generate && field->max > 0;
    case WIRE_OBJECT:
        return field->cap == 0;
    case WIRE_BOOL:
        return field->cap >= 5;
    case WIRE_N:
    case WIRE_H:
    case WIRE_A:
    case WIRE_AN:
    case WIRE_Z:
    case WIRE_B:
    case WIRE_DECIMAL:
    default:
        return field->max > 0;
    }
}

static bool row_sound(const struct wire_record *record, size_t i)
{
    const struct wire_field *field = &record->field[i];
    if (!field->name || !*field->name || field->min > field->max || !kind_complete(field))
        return false;
    if (field->cap > 0 && (field->cap < field->max || field->member + offsetof(struct wire_text, at) + field->cap > record->size))
        return false;
    if (field->length == WIRE_DELIMITED && field->delimiter == 0)
        return false;
    if (field->length == WIRE_ITEMS && field->kind != WIRE_B)
        return false;
    if ((field->length == WIRE_COUNTED || field->length == WIRE_ITEMS) && !earlier_member(record, i, field->counter))
        return false;
    if (field->equals && !earlier_member(record, i, field->when))
        return false;
    if (field->also_equals && !earlier_member(record, i, field->also))
        return false;
    return !(field->flags & WIRE_GROUP) || field->kind == WIRE_CONST;
}

enum err wire_check(const struct wire_record *record, struct wire_fault *fault)
{
    for (size_t i = 0; i < record->count; i++) {
        if (!row_sound(record, i))
            return wire_fault_set(fault, WIRE_OUTCOME_VALUE, &record->field[i], i);
        for (size_t j = 0; j < i; j++)
            if (record->field[i].kind != WIRE_CONST && !record->field[i].equals &&
                strcmp(record->field[i].name, record->field[j].name) == 0)
                return wire_fault_set(fault, WIRE_OUTCOME_VALUE, &record->field[i], i);
    }
    return ERR_OK;
}
