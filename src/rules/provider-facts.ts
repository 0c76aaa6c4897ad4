import type { Provider } from '../model/target.ts';

/** What rules may know about a provider: its pure half. */
export type ProviderFacts = Pick<
  Provider,
  'kind' | 'faultOfReceipt' | 'checkPermission' | 'checkLogin' | 'identity' | 'needsLoginKey' | 'objects'
>;
