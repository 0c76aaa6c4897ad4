/**
 * What every source must do, whatever it is (the contract is `model/source.ts`). A source's test builds a fixture around
 * the real thing and calls `sourceConformance`; what only one source promises is tested beside it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IncidentState } from '../../src/model/incident.ts';
import type { SourceKind, SourcePlace } from '../../src/model/source.ts';

export interface SourceFixture {
  readonly source: SourceKind;
  readonly place: SourcePlace;
  /** Ids of incidents that the real thing holds. */
  readonly open: string;
  readonly closed: string;
  /** It is there, and what it says cannot be understood. */
  readonly broken: string;
  /** The same where the real thing cannot be asked. */
  readonly unreachable: SourcePlace;
  readonly remove: () => Promise<void>;
}

/** Ids that a request may hold and that no incident has, whatever the source. */
const HOSTILE = [
  '',
  ' ',
  '.',
  '..',
  '../x',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'a\0b',
  'a\nb',
  'a b',
  '-x',
  '?x=1',
  '#1',
  '%2e%2e',
  '{id}',
  '*',
  '\u001b[2J',
  '\u202ea',
  '\ud800',
  '__proto__',
  'x'.repeat(10_000),
];

export function sourceConformance(name: string, makeFixture: () => Promise<SourceFixture>): void {
  describe(`source conformance: ${name}`, () => {
    let fixture: SourceFixture;
    beforeEach(async () => {
      fixture = await makeFixture();
    });
    afterEach(async () => await fixture.remove());

    const ask = async (id: string, place = fixture.place): Promise<IncidentState> =>
      await (await fixture.source.open(place)).state(id);

    it('says open of what is open, and closed, with a reason, of what was closed', async () => {
      expect(await ask(fixture.open)).toEqual({ state: 'open' });
      expect(await ask(fixture.closed)).toEqual({ state: 'closed', why: expect.stringMatching(/./u) });
    });

    it('does not know what it cannot understand', async () => {
      expect(await ask(fixture.broken)).toEqual({ state: 'unknown', why: expect.stringMatching(/./u) });
    });

    it('knows nothing where it cannot be asked: no grant, and no ending', async () => {
      for (const id of [fixture.open, fixture.closed, 'never-heard-of'])
        expect(await ask(id, fixture.unreachable)).toEqual({
          state: 'unknown',
          why: expect.stringMatching(/./u),
        });
    });

    it('takes an id for data: a hostile one is never open, and never an error', async () => {
      const { state } = await fixture.source.open(fixture.place);
      const found = await Promise.all(HOSTILE.map(async (id) => [id, (await state(id)).state] as const));
      expect(found.filter(([, said]) => said === 'open')).toEqual([]);
      expect(await state(`../${fixture.open}`)).toMatchObject({ state: 'unknown' });
      expect(await state(`${fixture.open}\n`)).toMatchObject({ state: 'unknown' });
    });

    it('answers many questions at once as it answers each alone', async () => {
      const { state } = await fixture.source.open(fixture.place);
      const ids = Array.from(
        { length: 30 },
        (_, at) => [fixture.open, fixture.closed, fixture.broken][at % 3],
      );
      const together = await Promise.all(ids.map(async (id) => (await state(id ?? '')).state));
      expect(together).toEqual(ids.map((_, at) => ['open', 'closed', 'unknown'][at % 3]));
    });
  });
}
