export const withoutContract = 'Redmine publishes none; npm run test:real uses the real program'
