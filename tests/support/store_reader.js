// SPDX-License-Identifier: Apache-2.0
// Opens an LMK store (layout: src/keys/store/store.h) with node's own scrypt and AES-GCM and log tables for GF(2^8).
//   node store_reader.js FILE NUMBER:PASSPHRASE ...     prints one line an LMK: id kind flags check comment material
const crypto = require('crypto');
const fs = require('fs');
const [path, ...officers] = process.argv.slice(2);
const file = fs.readFileSync(path);
let at = 0;
const take = (n) => { at += n; return file.subarray(at - n, at); };

const log = [], exp = [];
for (let i = 0, x = 1; i < 255; i++) {
  exp[i] = x; log[x] = i;
  x ^= x << 1; if (x > 255) x ^= 0x11b; // times 3, a generator
}
const times = (a, b) => (a && b ? exp[(log[a] + log[b]) % 255] : 0);
const over = (a, b) => (a ? exp[(log[a] + 255 - log[b]) % 255] : 0);

function unseal(key, aad, sealed) {
  const gcm = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  gcm.setAAD(aad);
  gcm.setAuthTag(sealed.subarray(sealed.length - 16));
  return Buffer.concat([gcm.update(sealed.subarray(12, sealed.length - 16)), gcm.final()]);
}

if (take(8).toString() !== 'CSLMKST1') process.exit(3);
take(16);
const [log2n, r, p, needed, count, lmks] = take(6);
take(2 + 4);
const record = [];
for (let i = 0; i < count; i++) record.push({ number: take(1)[0], salt: take(16), sealed: take(60) });
const directory = [];
for (let i = 0; i < lmks; i++) directory.push(take(60));
const head = file.subarray(0, at);

const shares = officers.map((text) => {
  const [number, passphrase] = [Number(text.slice(0, 1)), text.slice(2)];
  const { salt, sealed } = record[number - 1];
  const key = crypto.scryptSync(passphrase, salt, 32, { N: 2 ** log2n, r, p, maxmem: 2 ** 30 });
  return { number, share: unseal(key, Buffer.concat([file.subarray(0, 29), Buffer.from([number])]), sealed) };
});
if (shares.length < needed) process.exit(4);
const key = Buffer.alloc(32);
for (const { number, share } of shares) {
  let weight = 1;
  for (const other of shares) if (other.number !== number) weight = times(weight, over(other.number, number ^ other.number));
  for (let b = 0; b < 32; b++) key[b] ^= times(weight, share[b]);
}
const body = unseal(key, head, file.subarray(at));
directory.forEach((entry, i) => {
  const [id, kind, flags] = entry;
  const material = body.subarray(320 * i, 320 * i + (kind === 1 ? 320 : 24)).toString('hex').toUpperCase();
  const comment = entry.subarray(28).toString().replace(/\0+$/, '');
  console.log([id, kind, flags, entry.subarray(12, 28).toString(), comment, material].join(' '));
});
