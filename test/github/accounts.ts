/**
 * Who exists. An account is its number: a login may be given up and taken by somebody else. What a deleted account
 * left behind belongs to `ghost` where GitHub says so (pull requests, comments) and to nobody in reviews (`null`: GitHub's
 * description has `nullable` there).
 */
export type Role = 'none' | 'read' | 'triage' | 'write' | 'maintain' | 'admin';
export const ROLES: readonly Role[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin'];

export interface AccountSetting {
  readonly id?: number;
  readonly type?: 'User' | 'Bot' | 'Organization';
  /** In the repository; default `write`. */
  readonly role?: Role;
  /** Of the organization that owns the repository; default `true`. */
  readonly member?: boolean;
  readonly name?: string;
}

export interface Account {
  readonly id: number;
  login: string;
  readonly type: 'User' | 'Bot' | 'Organization';
  readonly name: string | null;
  role: Role;
  member: boolean;
  deleted: boolean;
  readonly createdAt: Date;
}

/** GitHub's own two. */
const GHOST = { id: 10_137, login: 'ghost' };
const ACTIONS = { id: 41_898_282, login: 'github-actions[bot]' };

export class Accounts {
  readonly #all: Account[] = [];
  readonly #now: () => Date;
  readonly ghost: Account;
  readonly actions: Account;

  constructor(now: () => Date, settings: Readonly<Record<string, AccountSetting>>) {
    this.#now = now;
    this.ghost = this.register(GHOST.login, { id: GHOST.id, role: 'none', member: false });
    this.actions = this.register(ACTIONS.login, {
      id: ACTIONS.id,
      type: 'Bot',
      role: 'write',
      member: false,
    });
    for (const [login, setting] of Object.entries(settings)) this.register(login, setting);
  }

  /** A new account, with a number that nobody had before. */
  register(login: string, setting: AccountSetting = {}): Account {
    if (this.byLogin(login) !== undefined) throw new Error(`${login} is taken`);
    const id = setting.id ?? 1_000_000 + this.#all.length;
    if (this.byId(id) !== undefined) throw new Error(`account ${id} exists`);
    const made: Account = {
      id,
      login,
      type: setting.type ?? 'User',
      name: setting.name ?? null,
      role: setting.role ?? 'write',
      member: setting.member ?? true,
      deleted: false,
      createdAt: this.#now(),
    };
    this.#all.push(made);
    return made;
  }

  /** From now on the old login is free. */
  rename(login: string, to: string): void {
    if (this.byLogin(to) !== undefined) throw new Error(`${to} is taken`);
    this.named(login).login = to;
  }

  delete(login: string): void {
    this.named(login).deleted = true;
  }

  /** Logins have no case. */
  byLogin(login: string): Account | undefined {
    const wanted = login.toLowerCase();
    return this.#all.find((one) => !one.deleted && one.login.toLowerCase() === wanted);
  }

  byId(id: number): Account | undefined {
    return this.#all.find((one) => one.id === id);
  }

  named(login: string): Account {
    const found = this.byLogin(login);
    if (found === undefined) throw new Error(`nobody is called ${login}`);
    return found;
  }

  /** Who a pull request or a comment is from, as GitHub shows it. */
  shown(account: Account): Account {
    return account.deleted ? this.ghost : account;
  }
}

export const atLeast = (role: Role, wanted: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(wanted);
