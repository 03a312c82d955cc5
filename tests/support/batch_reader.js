// SPDX-License-Identifier: Apache-2.0
// The recipient of a batch: decrypts each line of FILE (RSA-OAEP-256, A256GCM; RFC 7516) with node's own crypto and the private key
// PEM; prints the plaintexts, then a line of JSON with the headers.
const crypto = require('crypto');
const fs = require('fs');
const [pem, file] = process.argv.slice(2);
const key = crypto.createPrivateKey(fs.readFileSync(pem));
const headers = [];
for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
  const part = line.split('.');
  if (part.length !== 5) process.exit(3);
  const [head, wrapped, iv, text, tag] = part;
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  if (header.alg !== 'RSA-OAEP-256' || header.enc !== 'A256GCM') process.exit(4);
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  const content = crypto.privateDecrypt({ key, padding, oaepHash: 'sha256' }, Buffer.from(wrapped, 'base64url'));
  const gcm = crypto.createDecipheriv('aes-256-gcm', content, Buffer.from(iv, 'base64url'));
  gcm.setAAD(Buffer.from(head));
  gcm.setAuthTag(Buffer.from(tag, 'base64url'));
  process.stdout.write(Buffer.concat([gcm.update(Buffer.from(text, 'base64url')), gcm.final()]));
  headers.push(header);
}
process.stdout.write(JSON.stringify(headers) + '\n');
