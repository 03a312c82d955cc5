// SPDX-License-Identifier: Apache-2.0
// A client's side of ECDH-ES + A256GCM (RFC 7518 4.6) with node's own crypto: `make` prints a public JWK, `read` decrypts DIR/token.
const crypto = require('crypto');
const fs = require('fs');
const [dir, what] = process.argv.slice(2);
const file = dir + '/node-key.json';

function concatKdf(shared, algorithm) {
  const length = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
  const parts = [length(1), shared, length(algorithm.length), Buffer.from(algorithm), length(0), length(0), length(256)];
  return crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
}

if (what === 'make') {
  const pair = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  fs.writeFileSync(file, JSON.stringify(pair.privateKey.export({ format: 'jwk' })), { mode: 0o600 });
  const { kty, crv, x, y } = pair.publicKey.export({ format: 'jwk' });
  process.stdout.write(JSON.stringify({ kty, crv, x, y, use: 'enc' }));
} else {
  const [head, key, iv, text, tag] = fs.readFileSync(dir + '/token', 'utf8').split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  if (header.alg !== 'ECDH-ES' || header.enc !== 'A256GCM' || key !== '') process.exit(3);
  const privateKey = crypto.createPrivateKey({ key: JSON.parse(fs.readFileSync(file)), format: 'jwk' });
  const publicKey = crypto.createPublicKey({ key: header.epk, format: 'jwk' });
  const content = concatKdf(crypto.diffieHellman({ privateKey, publicKey }), header.enc);
  const gcm = crypto.createDecipheriv('aes-256-gcm', content, Buffer.from(iv, 'base64url'));
  gcm.setAAD(Buffer.from(head));
  gcm.setAuthTag(Buffer.from(tag, 'base64url'));
  const plain = Buffer.concat([gcm.update(Buffer.from(text, 'base64url')), gcm.final()]);
  process.stdout.write(JSON.stringify({ ...JSON.parse(plain), kid: header.kid }));
}
