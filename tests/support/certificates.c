/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certificates.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 64, PATH = 128 };

/* $1 is the directory. `leaf NAME SUBJECT EXTENSIONS AUTHORITY [more]` makes a key and a certificate. */
static const char script[] =
    "set -e; cd \"$1\"; exec >log 2>&1\n"
    "umask 077\n"
    "ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out \"$1\"; }\n"
    "authority() { ec $1.key; openssl req -x509 -new -key $1.key -subj \"/CN=$1\" -days 30 -out $1.pem; }\n"
    "leaf() {\n"
    "    name=$1 subject=$2 extensions=$3 from=$4; shift 4\n"
    "    [ -f $name.key ] || ec $name.key\n"
    "    openssl req -new -key $name.key -subj \"$subject\" -out $name.csr\n"
    "    printf \"$extensions\" >$name.ext\n"
    "    openssl x509 -req -in $name.csr -CA $from.pem -CAkey $from.key -CAcreateserial -extfile $name.ext -out $name.pem \"$@\"\n"
    "}\n"
    "authority ca; authority otherca\n"
    "leaf server '/CN=hsm 1' 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' ca -days 30\n"
    "leaf serverdns '/CN=127.0.0.1' 'subjectAltName=DNS:hsm.example\\n' ca -days 30\n"
    "leaf client '/O=Bank/CN=switch 1' 'extendedKeyUsage=clientAuth\\n' ca -days 30\n"
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out clientrsa.key\n"
    "leaf clientrsa '/CN=switch 1' 'extendedKeyUsage=clientAuth\\n' ca -days 30\n"
    "leaf alias '/O=Bank' 'subjectAltName=IP:127.0.0.1,DNS:switch2.example\\n' ca -days 30\n"
    "leaf nameless '/O=Bank' 'keyUsage=digitalSignature\\n' ca -days 30\n"
    "leaf twofold '/CN=switch 1/CN=switch 2' 'keyUsage=digitalSignature\\n' ca -days 30\n"
    "leaf sub '/CN=sub' 'basicConstraints=critical,CA:true\\nkeyUsage=keyCertSign,cRLSign\\n' ca -days 30\n"
    "leaf bysub '/CN=switch 1' 'extendedKeyUsage=clientAuth\\n' sub -days 30; cat sub.pem >>bysub.pem\n"
    "leaf expired '/CN=late' 'subjectAltName=IP:127.0.0.1\\n' ca -days -1\n"
    "leaf revoked '/CN=gone' 'keyUsage=digitalSignature\\n' ca -days 30\n"
    "leaf serveronly '/CN=server' 'extendedKeyUsage=serverAuth\\n' ca -days 30\n"
    "leaf other '/CN=switch 1' 'extendedKeyUsage=clientAuth\\n' otherca -days 30\n"
    "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\ncrlnumber=crlnumber\\ndefault_md=sha256\\ndefault_crl_days=30\\n' >conf\n"
    ": >index; echo 01 >crlnumber\n"
    "openssl ca -config conf -keyfile ca.key -cert ca.pem -revoke revoked.pem\n"
    "openssl ca -config conf -keyfile ca.key -cert ca.pem -revoke sub.pem\n"
    "openssl ca -config conf -keyfile ca.key -cert ca.pem -gencrl -out crl.pem\n"
    ": >index; openssl ca -config conf -keyfile sub.key -cert sub.pem -gencrl -out subcrl.pem; cat subcrl.pem >>crl.pem\n"
    "openssl pkey -in client.key -aes256 -passout pass:secret -out locked.key\n"
    "echo nothing >empty.pem; cp client.key open.key; chmod 644 open.key\n";

static char directory[PATH];
static pid_t owner;

static void remove_all(void)
{
    char command[PATH + 16];
    if (getpid() != owner)
        return;
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    (void)!system(command);
}

const char *certificates_directory(void)
{
    if (directory[0])
        return directory;
    char command[sizeof script + 2 * PATH];
    memcpy(directory, "/tmp/countersign-tls-XXXXXX", 28);
    ASSERT(mkdtemp(directory));
    owner = getpid();
    ASSERT(atexit(remove_all) == 0);
    char path[PATH + 16];
    (void)snprintf(path, sizeof path, "%s/make.sh", directory);
    FILE *file = fopen(path, "w");
    ASSERT(file && fputs(script, file) >= 0 && fclose(file) == 0);
    (void)snprintf(command, sizeof command, "sh %s %s", path, directory);
    if (system(command) == 0)
        return directory;
    (void)snprintf(command, sizeof command, "cat %s/log >&2", directory);
    (void)!system(command);
    abort();
}

const char *certificates_file(const char *name)
{
    static char path[FILES][PATH];
    char wanted[PATH];
    size_t i = 0;
    (void)snprintf(wanted, PATH, "%.63s/%.63s", certificates_directory(), name);
    while (i < FILES && path[i][0] && strcmp(path[i], wanted) != 0)
        i++;
    ASSERT(i < FILES);
    memcpy(path[i], wanted, PATH);
    return path[i];
}

struct net_tls_config certificates_server(void)
{
    return (struct net_tls_config){
        .certificate = certificates_file("server.pem"), .key = certificates_file("server.key"), .ca = certificates_file("ca.pem")};
}

struct net_tls_config certificates_client(void)
{
    return (struct net_tls_config){
        .certificate = certificates_file("client.pem"), .key = certificates_file("client.key"), .ca = certificates_file("ca.pem")};
}
