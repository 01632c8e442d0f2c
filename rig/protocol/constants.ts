/**
 * Numbers of FUSE protocol 7.45 that belong to no single structure (include/uapi/linux/fuse.h,
 * fs/fuse/fuse_i.h, fs/fuse/dev.c). Sizes are bytes.
 */

export const PROTOCOL_MAJOR = 7;
export const PROTOCOL_MINOR = 45;

/** Node id of the root directory; it is never learned by a LOOKUP. */
export const ROOT_ID = 1n;

export const PAGE_SIZE = 4096;

/** Smallest buffer a read of the device may bring (FUSE_MIN_READ_BUFFER). */
export const MIN_READ_BUFFER = 8192;

export const IN_HEADER_SIZE = 40;
export const OUT_HEADER_SIZE = 16;

/** Distance of two request ids (FUSE_REQ_ID_STEP): request ids are even. */
export const UNIQUE_STEP = 2;
/** Set in an INTERRUPT's unique and in the reply to it (FUSE_INT_REQ_BIT). */
export const INTERRUPT_BIT = 1n;
/** Set in the unique of a request delivered again after NOTIFY_RESEND (FUSE_UNIQUE_RESEND). */
export const RESEND_BIT = 1n << 63n;

/** Replies carry `0 >= error > -512`: 512 is ERESTARTSYS, the first errno the kernel refuses. */
export const ERROR_LIMIT = 512;

/** Pages of one request without FUSE_MAX_PAGES (FUSE_DEFAULT_MAX_PAGES_PER_REQ). */
export const DEFAULT_MAX_PAGES = 32;
/** Default of sysctl fs.fuse.max_pages_limit. */
export const DEFAULT_PAGE_LIMIT = 256;
/** Longest name, without its NUL, before and after more than one page was negotiated. */
export const NAME_MAX_LOW = 1024;
export const NAME_MAX = 4095;
/** fuse_conn_init(): background limits before the INIT reply changes them. */
export const DEFAULT_MAX_BACKGROUND = 12;
export const DEFAULT_CONGESTION_THRESHOLD = 9;
/** Seconds between two scans for expired requests; a request timeout is never shorter. */
export const TIMEOUT_SCAN_S = 15;

/** Most iovecs of an IOCTL retry, in and out together (FUSE_IOCTL_MAX_IOV). */
export const IOCTL_MAX_IOV = 256;

/** ioctl(2) numbers of /dev/fuse on x86-64. */
export const DEV_IOC_CLONE = 0x8004e500;
export const DEV_IOC_BACKING_OPEN = 0x4010e501;
export const DEV_IOC_BACKING_CLOSE = 0x4004e502;
export const DEV_IOC_SYNC_INIT = 0xe503;
