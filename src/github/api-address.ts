/** Where GitHub's API is: github.com, or the Enterprise server that the environment names. Never what a file says. */
import { PamError } from '../model/error.ts';

export interface ApiAddress {
  /** Without a trailing slash: `https://api.github.com`, `https://ghe.acme.example/api/v3`. */
  readonly url: string;
  /** Where GraphQL is asked: beside it, at an Enterprise server not below `/v3`. */
  readonly graph: string;
  /** The host that people and `gh` know: `github.com`, `ghe.acme.example`. */
  readonly host: string;
  /** On this machine: a test server, which asks for no pauses between writes. */
  readonly loopback: boolean;
}

const GITHUB: ApiAddress = {
  url: 'https://api.github.com',
  graph: 'https://api.github.com/graphql',
  host: 'github.com',
  loopback: false,
};

/** @param given `GITHUB_API_URL`, which Actions set on every runner */
export function apiAddress(given: string | undefined): ApiAddress {
  if (given === undefined || given === '') return GITHUB;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !isSafe(url)) {
    throw new PamError('E_CONFIG_API', 'GITHUB_API_URL is not an address that a token may be sent to', {
      hint: 'it looks like https://ghe.example.com/api/v3: https, no user, no query',
    });
  }
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/u, '');
  // Data residency puts the API on a host of its own, as github.com does.
  const host = /^api\.[^.]+\.ghe\.com$/u.test(url.hostname)
    ? url.hostname.slice('api.'.length)
    : url.hostname;
  if (address === GITHUB.url) return GITHUB;
  const graph = `${address.replace(/\/v3$/u, '')}/graphql`;
  return { url: address, graph, host, loopback: isLoopback(url.hostname) };
}

/** A company's own Enterprise server: neither github.com nor a tenant of ghe.com, whose tokens are of another kind. */
export const isServer = ({ host }: ApiAddress): boolean =>
  host !== GITHUB.host && !/^[^.]+\.ghe\.com$/u.test(host);

function isSafe(url: URL): boolean {
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return plain && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)));
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/u.test(host);
