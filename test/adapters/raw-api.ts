/** A server that answers a question of the API with any bytes at all, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface RawApi {
  readonly url: string;
  readonly asked: readonly Asked[];
}

export type Reply = (response: ServerResponse, asked: Asked, count: number) => void;

const open: (() => void)[] = [];
afterAll(() => {
  for (const close of open.splice(0)) close();
});

export async function rawApi(reply: Reply): Promise<RawApi> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, authorization: headers.authorization, body };
      asked.push(one);
      return reply(response, one, asked.filter((each) => each.url === url && each.method === method).length);
    });
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

export function json(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(value));
}

export const REPOSITORY = { id: 4711, full_name: 'acme/access' };

/** Knows the repository, and leaves every other question to `reply`. */
export function withRepository(reply: Reply): Reply {
  return (response, asked, count) => {
    if (asked.url === '/repos/acme/access') json(response, REPOSITORY);
    else reply(response, asked, count);
  };
}
