export const withoutContract = 'ntfy publishes none; npm run test:real uses the real program'
