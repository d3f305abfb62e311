/*
 * notify: tells who started the program how far it is.
 *
 * Bytes: sd_notify(3): a datagram of lines "NAME=value" to the socket that the
 * variable NOTIFY_SOCKET names. Where there is none, nothing is told.
 */
#ifndef BYROND_MAIN_NOTIFY_H
#define BYROND_MAIN_NOTIFY_H

enum notify_state {
    NOTIFY_READY,
    NOTIFY_RELOADING, /* Ready again when that is told. */
    NOTIFY_STOPPING,
};

/* Never waits. */
void notify_tell(enum notify_state state);

#endif
