/* SPDX-License-Identifier: Apache-2.0 */
/* Network answers (DE39) in the words of Commerce Hub. Host codes and messages are those of its published "Nashville" list where it
 * has one (an approval without a funds check, 85, is a plain 00 there; a decline for the code is C2); the pairing with response
 * codes is ours but for the published 000, 001, 006, 007, 008, 012 and 032. Sorted by DE39. */
#include "gateway/faces/commercehub/commercehub.h"

#include <string.h>

/* clang-format off */
static const struct commercehub_host_row rows[] = {
    {"00", "000", "00", "APPROVAL"},
    {"01", "004", "01", "Refer to issuer"},
    {"02", "004", "02", "Refer to issuer, special condition"},
    {"03", "041", "03", "Invalid merchant"},
    {"04", "045", "04", "Pick up card"},
    {"05", "007", "05", "Do not honor"},
    {"06", "006", "06", "Error"},
    {"07", "045", "07", "Pick up card, special condition"},
    {"08", "000", "08", "APPROVAL, honor with identification"},
    {"10", "001", "10", "PARTIAL APPROVAL"},
    {"11", "000", "11", "APPROVAL, VIP"},
    {"12", "040", "12", "Invalid transaction"},
    {"13", "006", "13", "Invalid amount"},
    {"14", "026", "14", "Invalid card number"},
    {"15", "026", "15", "No such issuer"},
    {"19", "039", "19", "Re-enter transaction"},
    {"25", "051", "25", "Unable to locate record"},
    {"28", "039", "28", "Please retry"},
    {"30", "006", "30", "Format error"},
    {"33", "032", "33", "Expired card, pick up"},
    {"34", "018", "34", "Suspected fraud, pick up"},
    {"36", "028", "36", "Restricted card, pick up"},
    {"39", "025", "39", "No credit account"},
    {"41", "017", "41", "Lost card"},
    {"43", "017", "43", "Stolen card"},
    {"46", "030", "46", "Closed account"},
    {"51", "008", "51", "Insufficient funds"},
    {"54", "032", "54", "Wrong expiration/expired card"},
    {"55", "023", "55", "Incorrect PIN"},
    {"57", "040", "57", "Invalid txn for card"},
    {"58", "041", "58", "Invalid txn for terminal"},
    {"59", "018", "59", "Suspected fraud"},
    {"61", "011", "61", "Exceeds withdrawal limit"},
    {"62", "028", "62", "Restricted card"},
    {"63", "041", "63", "Service not allowed"},
    {"65", "011", "65", "Exceeds withdrawal count limit"},
    {"68", "039", "68", "Response received too late"},
    {"75", "022", "75", "PIN try exceeded"},
    {"78", "032", "78", "Card not activated"},
    {"82", "012", "C2", "CVV2 Declined"},
    {"85", "000", "00", "APPROVAL"},
    {"91", "039", "91", "System error"},
    {"92", "039", "92", "Unable to route"},
    {"93", "014", "93", "Violation of law"},
    {"94", "009", "94", "Duplicate transaction"},
    {"96", "039", "96", "System malfunction"},
    {"N7", "012", "C2", "CVV2 Declined"},
    {"R0", "035", "R0", "Stop payment order"},
    {"R1", "036", "R1", "Revocation of authorization"},
};
/* clang-format on */

const struct commercehub_host_row *commercehub_host_row(const char de39[static 2])
{
    static const struct commercehub_host_row declined = {"", "006", "", "Declined"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (memcmp(rows[i].de39, de39, 2) == 0)
            return &rows[i];
    return &declined;
}
