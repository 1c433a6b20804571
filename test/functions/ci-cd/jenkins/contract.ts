import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'jenkins',
    path: (path) => path.replace(/^(?:\/job\/[^/]+)+(?=\/job\/)/, ''),
    known: /executable(?:\._class is not| must be null)|buildWithParameters: the contract has no response 30[23]/,
  },
] satisfies Contract[]
