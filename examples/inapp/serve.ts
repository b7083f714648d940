// The site's own server: it serves the page, and signs a token for whoever is logged in.
//
// Here everybody is who the address says (`?user=ada`). A real site takes the user from its session, and nothing else.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

const { INAPP_SECRET, TRIPLINE_URL = 'http://127.0.0.1:8080', PORT = '8090' } = process.env;
if (INAPP_SECRET === undefined) throw new Error('set INAPP_SECRET to channels.inapp.secret');
const secret = Buffer.from(INAPP_SECRET);

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/inbox.js': ['inbox.js', 'text/javascript; charset=utf-8'],
  '/service-worker.js': ['service-worker.js', 'text/javascript; charset=utf-8'],
};

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://site');
  const user = searchParams.get('user') ?? 'ada';
  if (pathname === '/session') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ user, url: TRIPLINE_URL }));
    return;
  }
  if (pathname === '/token') {
    const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject(user).setExpirationTime('1h');
    response.end(await token.sign(secret));
    return;
  }
  const found = FILES[pathname];
  if (found === undefined) {
    response.writeHead(404).end();
    return;
  }
  const [file, type] = found;
  response.setHeader('content-type', type).end(readFileSync(new URL(`./page/${file}`, import.meta.url)));
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`the site is at http://127.0.0.1:${(server.address() as AddressInfo).port}/?user=ada`);
});
