/** fsopen(2), fsconfig(2), fsmount(2), move_mount(2) (KERNEL 1.3). */
import {
  call,
  client,
  mount,
  mounted,
  open,
  poll,
  read,
  ready,
  reply,
  type Step,
  section,
} from '../step.ts';

const set = (key: string, value: string): Step => call('fsconfig', 'x', 'STRING', key, value);
const create = call('fsconfig', 'x', 'CREATE', '-', '-');
const begun = (): Step[] => [open(), call('fsopen', 'x', 'fuse')];
/** A context with all it needs. */
const filled = (): Step[] => [
  ...begun(),
  set('fd', '@a'),
  set('rootmode', '40000'),
  set('user_id', '0'),
  set('group_id', '0'),
];

// biome-ignore format: one row a probe
export const CONTEXTS = section('1.3c', [
  ['fsopen', begun(), [0]],
  ['all of it', [...filled(), create, call('fsmount', 'y', 'x'), call('movemount', 'y', 'm'), call('mountinfo', 'm')], [0, 0, 0, 'fuse rw,user_id=0,group_id=0']],
  ['INIT is there after CREATE', [...filled(), create, poll(), read()], [0, 'IN|OUT|RDNORM|WRNORM', 104]],
  ['INIT can be answered before the mount', [...filled(), create, read(), reply(), call('fsmount', 'y', 'x'), call('movemount', 'y', 'm'), client('c', 'stat m/f')], [80, 0, 0, 'asleep']],
  ['nothing before CREATE', [...filled(), read()], ['EPERM']],
  ['fd by FD', [...begun(), call('fsconfig', 'x', 'FD', 'fd', '@a')], ['EINVAL']],
  ['fd of no device', [...filled().slice(0, 2), set('fd', '0'), ...filled().slice(3), create], [0, 0, 0, 0, 'EINVAL']],
  ['fd of a closed descriptor', [...filled().slice(0, 2), set('fd', '999'), ...filled().slice(3), create], [0, 0, 0, 0, 'EINVAL']],
  ['fd twice', [...begun(), open('b'), set('fd', '@a'), set('fd', '@b'), ...filled().slice(3), create, read('a'), read('b')], [0, 'EPERM', 104]],
  ['fd that is no number', [...begun(), set('fd', 'abc')], ['EINVAL']],
  ['rootmode in hexadecimal', [...begun(), set('rootmode', '0x4000')], ['EINVAL']],
  ['rootmode without a type', [...begun(), set('rootmode', '755')], ['EINVAL']],
  ['user_id that is no number', [...begun(), set('user_id', 'root')], ['EINVAL']],
  ['an option it does not know', [...begun(), set('nonsense', '1')], ['EINVAL']],
  ['a flag it does not know', [...begun(), call('fsconfig', 'x', 'FLAG', 'nonsense', '-')], ['EINVAL']],
  ['a flag', [...begun(), call('fsconfig', 'x', 'FLAG', 'allow_other', '-')], [0]],
  ['a flag with a value', [...begun(), set('allow_other', '1')], ['EINVAL']],
  ['a value without one', [...begun(), call('fsconfig', 'x', 'FLAG', 'user_id', '-')], ['EINVAL']],
  ['a source twice', [...begun(), set('source', 'a'), set('source', 'b')], [0, 'EINVAL']],
  ['a subtype twice', [...begun(), set('subtype', 'a'), set('subtype', 'b')], [0, 'EINVAL']],
  ['blksize', [...begun(), set('blksize', '4096')], ['EINVAL']],
  ['CREATE without a descriptor', [...begun(), set('rootmode', '40000'), set('user_id', '0'), set('group_id', '0'), create], ['EINVAL']],
  ['CREATE without anything', [...begun(), create], ['EINVAL']],
  ['CREATE twice', [...filled(), create, create], [0, 'EBUSY']],
  ['CREATE_EXCL', [...filled(), call('fsconfig', 'x', 'CREATE_EXCL', '-', '-'), read()], [0, 104]],
  ['CREATE_EXCL of a bound descriptor', [...ready(), call('fsopen', 'x', 'fuse'), set('fd', '@a'), call('fsconfig', 'x', 'CREATE_EXCL', '-', '-')], ['EBUSY']],
  ['CREATE of a bound descriptor', [...ready(), call('fsopen', 'x', 'fuse'), set('fd', '@a'), create, call('fsmount', 'y', 'x'), call('movemount', 'y', 'm2'), read()], [0, 0, 0, 'EAGAIN']],
  ['a parameter after CREATE', [...filled(), create, set('max_read', '8192')], ['EBUSY']],
  ['a parameter after fsmount', [...filled(), create, call('fsmount', 'y', 'x'), set('max_read', '8192')], ['EINVAL']],
  ['fsmount before CREATE', [...filled(), call('fsmount', 'y', 'x')], ['EINVAL']],
  ['a subtype in the type', [open(), call('fsopen', 'x', 'fuse.a')], [0]],
  ['a subtype by parameter', [...filled(), set('subtype', 'a'), create, call('fsmount', 'y', 'x'), call('movemount', 'y', 'm'), call('mountinfo', 'm')], [0, 0, 0, 'fuse.a rw,user_id=0,group_id=0']],
  ['a descriptor that mount(2) has bound, dead', [...mounted(), call('umount', 'm', '0'), call('fsopen', 'x', 'fuse'), set('fd', '@a'), create], [0, 0, 0, 'ENOTCONN']],
  ['a context of another type', [call('fsopen', 'x', 'tmpfs'), call('fsconfig', 'x', 'CREATE', '-', '-')], [0, 0]],
  ['mount(2) after a context of the same device', [...filled(), create, mount({ target: 'm2', options: 'fd=@a' })], [0, 0]],
]);
