# SPDX-License-Identifier: Apache-2.0
"""Certificates for scenarios, made by the openssl command."""
import os
import subprocess


def openssl(*arguments, **more):
    subprocess.run(("openssl",) + arguments, check=True, capture_output=True, **more)


class Authority:
    """An authority in a folder; leaf() makes NAME.pem and NAME.key there."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.key(name)
        openssl("req", "-x509", "-new", "-key", self.path(name + ".key"), "-subj", "/CN=" + name, "-days", "30", "-out",
                self.path(name + ".pem"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path(name + ".key"))
        os.chmod(self.path(name + ".key"), 0o600)

    def leaf(self, name, common_name, extension="keyUsage=digitalSignature"):
        self.key(name)
        with open(self.path(name + ".ext"), "w", encoding="ascii") as file:
            file.write(extension + "\n")
        openssl("req", "-new", "-key", self.path(name + ".key"), "-subj", "/CN=" + common_name, "-out", self.path(name + ".csr"))
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(self.name + ".pem"), "-CAkey",
                self.path(self.name + ".key"), "-CAcreateserial", "-days", "30", "-extfile", self.path(name + ".ext"), "-out",
                self.path(name + ".pem"))
