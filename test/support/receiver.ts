/** A receiver of notices: a real HTTP server on this machine that answers as a test says, and keeps what it was told. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TestReceiver {
  /** With a path that nobody could guess, as chats have it. */
  readonly url: string;
  readonly heard: Heard[];
  /** How it answers from now on, by the number of the request, from 1. */
  manner: (answer: ServerResponse, count: number) => void;
  readonly close: () => Promise<void>;
}

export const SECRET_PATH = '/services/T0000/B0000/s3cr3t-path';

export async function startReceiver(): Promise<TestReceiver> {
  const heard: Heard[] = [];
  const server: Server = createServer({ keepAlive: false }, (request, answer) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      heard.push({ method, path, headers, body: Buffer.concat(parts).toString('utf8') });
      receiver.manner(answer, heard.length);
    });
    // One that was let go while it was slow.
    answer.on('error', () => undefined);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const receiver: TestReceiver = {
    url: `http://127.0.0.1:${port}${SECRET_PATH}`,
    heard,
    manner: (answer) => void answer.end('ok'),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
  return receiver;
}
