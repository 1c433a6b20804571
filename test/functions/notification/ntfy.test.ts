import { startNtfy } from '../../platforms/ntfy.ts'
import { testNtfy } from './ntfy.ts'

testNtfy({ start: startNtfy })
