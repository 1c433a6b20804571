export const withoutContract = 'Modelled on the public source code that its fake names'
