export const withoutContract = 'There is none yet. The fake of Acme names its sources'
