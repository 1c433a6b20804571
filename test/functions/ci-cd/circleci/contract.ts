export const withoutContract = 'Modelled on the clients that its fake names'
