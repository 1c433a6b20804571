import { startNtfy } from '../../../platforms/ntfy.ts'
import { testNtfy } from './suite.ts'

testNtfy({ start: startNtfy })
