import { PamError } from '../../model/error.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { Inspection, Order, Scene, TargetPlace, TargetSession } from '../../model/target.ts';
import { configText, faultsOf, pathFromEnvironment, timeLimitMs } from '../place.ts';
import { faultOnRecord, serialOf, termsOf } from './certificate-terms.ts';
import { issueCertificate } from './issue-certificate.ts';
import { EMPTY_KRL, type Krl, listsSerial, serialsOf, withSerials } from './krl.ts';
import { examineKrl, makeKrl, readKrl, reviseKrl } from './krl-file.ts';
import { caPublicKey, verifyCaKey } from './ssh-ca-config.ts';

/** Serials stay listed this long after their certificates died, for hosts whose clocks are wrong. */
const LISTED_AFTER_END = 24 * 3600;
/** DESIGN section 5: serial = ledger seq x 65536 + index in the entry. */
const SERIALS_PER_ENTRY = 65_536n;

export function sshCaSession(place: TargetPlace): TargetSession {
  return {
    // Sweepers hold no private key: config's own halves are all that there is to compare.
    verifyIdentity: async () => {
      const name = place.config['ca_key_env'];
      const isHere = typeof name === 'string' && place.env[name] !== undefined;
      if (isHere) await verifyCaKey(place, pathFromEnvironment(place, 'ca_key_env'));
      else await caPublicKey(place);
    },
    grant: async (order) => {
      if (order.now >= order.until) throw new PamError('E_PRV_EXPIRED', `the end of ${order.id} has passed`);
      const terms = termsOf(place.config, order);
      const caKeyPath = pathFromEnvironment(place, 'ca_key_env');
      return { certificate: await issueCertificate(place, caKeyPath, terms, timeLimitMs(order)) };
    },
    revoke: async (order, scene) => await revoke(place, order, scene),
    prepare: async (scene, now) => await prepare(place, scene, now),
    inspect: async (order) => await inspect(place, order),
    examine: async (may) =>
      await faultsOf([
        ...(may.includes('grant')
          ? [async () => await verifyCaKey(place, pathFromEnvironment(place, 'ca_key_env'))]
          : []),
        async () => await examineKrl(pathFromEnvironment(place, 'krl_env'), may.includes('revoke')),
      ]),
  };
}

async function inspect(place: TargetPlace, order: Order): Promise<Inspection> {
  if (order.handle === null || order.now >= order.until) return { state: 'absent' };
  const [ca, krl] = await Promise.all([caPublicKey(place), readKrl(pathFromEnvironment(place, 'krl_env'))]);
  if (listsSerial(krl, ca.blob, serialOf(order.handle))) return { state: 'absent' };
  const certificate = order.receipt?.certificate;
  if (certificate === undefined) return { state: 'unknown', why: 'issued perhaps, no certificate on record' };
  const fault = faultOnRecord(certificate, place.config, order);
  return fault === undefined
    ? { state: 'present', which: order.permissions }
    : { state: 'unknown', why: fault };
}

async function revoke(place: TargetPlace, order: Order, scene: Scene): Promise<void> {
  if (order.handle === null) return; // no serial was ever given out
  const ca = (await caPublicKey(place)).blob;
  const wanted = [serialOf(order.handle), ...dueOf(scene, order.now)];
  await reviseKrl(pathFromEnvironment(place, 'krl_env'), {
    revise: (krl) => {
      const mark = markOf(scene);
      const kept = [...serialsOf(krl, ca, mark)].filter((serial) => !isSafelyDead(serial, scene));
      return withSerials(krl, ca, new Set([...kept, ...wanted]), numberOf(krl, scene), mark);
    },
    holds: (krl) => wanted.every((serial) => listsSerial(krl, ca, serial)),
    at: order.now,
  });
}

/**
 * A list that is missing was lost, perhaps: then a new one without serials would let in again whom the lost one kept
 * out. The number of an empty one is below any that a revocation gives.
 */
async function prepare(place: TargetPlace, scene: Scene, now: Instant): Promise<void> {
  const name = configText(place, 'krl_env') ?? '';
  if ((place.env[name] ?? '') === '') return;
  const list = async (): Promise<Krl> => {
    const due = new Set(dueOf(scene, now));
    if (due.size === 0) return EMPTY_KRL;
    return withSerials(
      EMPTY_KRL,
      (await caPublicKey(place)).blob,
      due,
      numberOf(EMPTY_KRL, scene),
      markOf(scene),
    );
  };
  await makeKrl(pathFromEnvironment(place, 'krl_env'), list, now);
}

const dueOf = ({ gone }: Scene, now: Instant): readonly bigint[] =>
  gone.filter(({ until }) => now < plus(until, LISTED_AFTER_END)).map(({ handle }) => serialOf(handle));

/** Only what stands under it was listed by an executor of this ledger, for a grant of this ledger. */
const markOf = ({ root }: Scene): string => `pam ${root}`;

/**
 * Of serials under this ledger's mark: given out by an entry that this state knows, and no longer in its index, so
 * ended over a day ago. What a newer state has listed stays.
 */
function isSafelyDead(serial: bigint, scene: Scene): boolean {
  const seq = serial / SERIALS_PER_ENTRY;
  return seq > 0n && seq <= BigInt(scene.seq) && !scene.known.some((handle) => serialOf(handle) === serial);
}

function numberOf(krl: Krl, scene: Scene): bigint {
  const seq = BigInt(scene.seq);
  return krl.number > seq ? krl.number : seq;
}
