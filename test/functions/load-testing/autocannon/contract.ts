export const withoutContract = 'It calls no platform'
