/** GitHub Apps: a JSON web token signed with the App's key gives a token of an installation, for an hour. */
import { verify } from 'node:crypto';
import { type Answer, type Asked, created, notFound, numberIn, ok, Refusal } from './answers.ts';
import { type App, type Hub, instant, nodeId } from './hub.ts';
import { showRepository, showUser } from './shapes.ts';
import type { Level, Permissions } from './tokens.ts';

const HOUR = 3_600_000;

/** Who signed it, or 401 in GitHub's words. */
function appOf(hub: Hub, asked: Asked): App {
  const jwt = asked.jwt;
  if (jwt === undefined) throw new Refusal(401, 'A JSON web token could not be decoded');
  const [head = '', claims = '', signature = ''] = jwt.split('.');
  const { alg } = decode(head);
  const { iss, iat, exp } = decode(claims);
  const app = hub.apps.find(({ id }) => String(id) === String(iss));
  if (app === undefined) throw new Refusal(401, 'Integration not found');
  const signed = Buffer.from(`${head}.${claims}`);
  if (alg !== 'RS256' || !verify('sha256', signed, app.publicKey, Buffer.from(signature, 'base64url'))) {
    throw new Refusal(401, 'A JSON web token could not be decoded');
  }
  const now = hub.now().getTime() / 1000;
  if (typeof iat !== 'number' || iat > now + 60) {
    throw new Refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== 'number' || exp <= now) {
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > now + 600) {
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  }
  return app;
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    throw new Refusal(401, 'A JSON web token could not be decoded');
  }
}

export function getApp(hub: Hub, asked: Asked): Answer {
  const app = appOf(hub, asked);
  const at = instant(hub.repository.createdAt);
  return ok({
    id: app.id,
    slug: app.slug,
    node_id: nodeId('A', app.id),
    owner: showUser(hub, hub.repository.owner),
    name: app.slug,
    description: null,
    external_url: hub.web,
    html_url: `${hub.web}/apps/${app.slug}`,
    created_at: at,
    updated_at: at,
    permissions: app.permissions,
    events: [],
  });
}

export function getInstallation(hub: Hub, asked: Asked): Answer {
  const app = appOf(hub, asked);
  const at = instant(hub.repository.createdAt);
  const api = `${hub.url}/app/installations/${app.installation}`;
  return ok({
    id: app.installation,
    account: showUser(hub, hub.repository.owner),
    repository_selection: 'selected',
    access_tokens_url: `${api}/access_tokens`,
    repositories_url: `${hub.url}/installation/repositories`,
    html_url: `${hub.web}/organizations/${hub.repository.owner.login}/settings/installations/${app.installation}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: hub.repository.owner.id,
    target_type: hub.repository.owner.type,
    permissions: app.permissions,
    events: [],
    created_at: at,
    updated_at: at,
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  });
}

/** Fewer permissions may be asked for, never more. */
export function createInstallationToken(hub: Hub, asked: Asked): Answer {
  const app = appOf(hub, asked);
  if (numberIn(asked, 'installation_id') !== app.installation) throw notFound();
  const wanted = asked.body['permissions'] as Readonly<Record<string, Level>> | undefined;
  const permissions: Permissions = wanted ?? app.permissions;
  for (const [name, level] of Object.entries(permissions)) {
    const has = app.permissions[name];
    if (has === undefined || (level === 'write' && has === 'read')) {
      throw new Refusal(422, 'The permissions requested are not granted to this installation.');
    }
  }
  const names: unknown = asked.body['repositories'];
  if (Array.isArray(names) && names.some((one) => one !== hub.repository.name)) {
    throw new Refusal(
      422,
      `There is at least one repository that does not exist or is not accessible to the parent installation.`,
    );
  }
  const expiresAt = new Date(hub.now().getTime() + HOUR);
  const token = hub.tokens.issue({ account: app.bot, kind: 'installation', permissions, expiresAt });
  return created({
    token,
    expires_at: instant(expiresAt),
    permissions,
    repository_selection: 'selected',
    repositories: [showRepository(hub, app.bot.role)],
  });
}
