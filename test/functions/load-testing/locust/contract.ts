export const withoutContract = 'Locust publishes none; npm run test:real uses the real program'
