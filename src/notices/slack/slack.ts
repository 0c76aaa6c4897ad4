import type { NoticeKind } from '../../model/notice.ts';
import { noticeSchema, variable } from '../notice-schema.ts';
import { post, receiverIn } from '../receiver.ts';
import { slackText } from './slack-text.ts';

/** An incoming webhook of Slack, or of a chat that takes the same (Mattermost, Rocket.Chat). */
export const slack: NoticeKind = {
  kind: 'slack',
  configSchema: noticeSchema(
    'slack',
    'A message to an incoming webhook, as Slack takes it.',
    { url_env: variable('Name of a variable PAM_NOTICE_... of the executor that holds the address.') },
    ['url_env'],
  ),
  open: async (place) => {
    const receiver = receiverIn(place, place.config['url_env']);
    return await Promise.resolve({
      // Links are not looked up by Slack, and names are no mentions.
      send: async (notice) =>
        await post(
          receiver,
          JSON.stringify({
            text: slackText(notice),
            link_names: false,
            unfurl_links: false,
            unfurl_media: false,
          }),
        ),
    });
  },
};
