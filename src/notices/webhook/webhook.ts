import { createHmac } from 'node:crypto';
import type { NoticeKind } from '../../model/notice.ts';
import { noticeSchema, variable } from '../notice-schema.ts';
import { post, receiverIn, secretIn } from '../receiver.ts';

/** Any receiver of `pam.notice/1`. With a secret the body is signed, so the receiver knows who sent it. */
export const webhook: NoticeKind = {
  kind: 'webhook',
  configSchema: noticeSchema(
    'webhook',
    'pam.notice/1 as JSON, signed where there is a secret.',
    {
      url_env: variable('Name of a variable PAM_NOTICE_... of the executor that holds the address.'),
      secret_env: variable(
        'Name of a variable PAM_NOTICE_... of the executor: the key of x-pam-signature, an HMAC-SHA-256 over the body.',
      ),
    },
    ['url_env'],
  ),
  open: async (place) => {
    const { config, env } = place;
    const receiver = receiverIn(place, config['url_env']);
    // A receiver that checks signatures would refuse what is not signed.
    const secret = config['secret_env'] === undefined ? null : secretIn(env, config['secret_env']);
    return await Promise.resolve({
      send: async (notice) => {
        const body = JSON.stringify(notice);
        const signature =
          secret === null
            ? {}
            : { 'x-pam-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
        return await post(receiver, body, signature);
      },
    });
  },
};
