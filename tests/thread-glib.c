/* Tells ThreadSanitizer what GLib's locks and reference counts mean. The installed GLib is not
 * built with it and its GMutex is a bare futex, so that without this every use of a GMutex looks
 * like a race. Linked into test programs under ThreadSanitizer only: the functions here stand in
 * front of GLib's. It knows nothing of what is tested. */
#define G_DISABLE_DEPRECATION_WARNINGS
#include <dlfcn.h>
#include <gio/gio.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);
void __sanitizer_syscall_pre_impl_close (long fd);

/* GLib's own function of this name. */
#define REAL(name)                                                                                 \
  static __typeof__ (&(name)) found;                                                               \
  __typeof__ (&(name)) real = __atomic_load_n (&found, __ATOMIC_RELAXED);                          \
  if (real == NULL)                                                                                \
    {                                                                                              \
      real = (__typeof__ (real)) dlsym (RTLD_NEXT, #name);                                         \
      __atomic_store_n (&found, real, __ATOMIC_RELAXED);                                           \
    }

void (g_mutex_lock) (GMutex *mutex)
{
  REAL (g_mutex_lock);
  real (mutex);
  __tsan_acquire (mutex);
}

gboolean (g_mutex_trylock) (GMutex *mutex)
{
  REAL (g_mutex_trylock);
  if (!real (mutex))
    return FALSE;
  __tsan_acquire (mutex);
  return TRUE;
}

void (g_mutex_unlock) (GMutex *mutex)
{
  REAL (g_mutex_unlock);
  __tsan_release (mutex);
  real (mutex);
}

void (g_rec_mutex_lock) (GRecMutex *mutex)
{
  REAL (g_rec_mutex_lock);
  real (mutex);
  __tsan_acquire (mutex);
}

void (g_rec_mutex_unlock) (GRecMutex *mutex)
{
  REAL (g_rec_mutex_unlock);
  __tsan_release (mutex);
  real (mutex);
}

void (g_rw_lock_reader_lock) (GRWLock *lock)
{
  REAL (g_rw_lock_reader_lock);
  real (lock);
  __tsan_acquire (lock);
}

void (g_rw_lock_reader_unlock) (GRWLock *lock)
{
  REAL (g_rw_lock_reader_unlock);
  __tsan_release (lock);
  real (lock);
}

void (g_rw_lock_writer_lock) (GRWLock *lock)
{
  REAL (g_rw_lock_writer_lock);
  real (lock);
  __tsan_acquire (lock);
}

void (g_rw_lock_writer_unlock) (GRWLock *lock)
{
  REAL (g_rw_lock_writer_unlock);
  __tsan_release (lock);
  real (lock);
}

void (g_cond_wait) (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean (g_cond_wait_until) (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean signalled;

  REAL (g_cond_wait_until);
  __tsan_release (mutex);
  signalled = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean is_first;

  REAL (g_once_init_enter);
  is_first = real (location);
  if (!is_first)
    __tsan_acquire ((void *) location);
  return is_first;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  REAL (g_once_init_leave);
  __tsan_release ((void *) location);
  real (location, result);
}

gpointer (g_once_impl) (GOnce *once, GThreadFunc function, gpointer data)
{
  gpointer result;

  REAL (g_once_impl);
  result = real (once, function, data);
  __tsan_release (once);
  __tsan_acquire (once);
  return result;
}

/* The thread that drops the last reference sees what the others did before they dropped theirs. */
void (g_object_unref) (gpointer object)
{
  REAL (g_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

/* As does the thread that finds its reference to be the only one, and ends the object by itself (runtime/instances.c). */
void (g_signal_handlers_destroy) (gpointer object)
{
  REAL (g_signal_handlers_destroy);
  __tsan_acquire (object);
  real (object);
}

/* What GIO closes is not seen: the next descriptor of that number would be taken for the same. */
gboolean (g_socket_close) (GSocket *socket, GError **error)
{
  REAL (g_socket_close);
  if (!g_socket_is_closed (socket))
    __sanitizer_syscall_pre_impl_close (g_socket_get_fd (socket));
  return real (socket, error);
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  REAL (g_atomic_ref_count_dec);
  __tsan_release (count);
  __tsan_acquire (count);
  return real (count);
}

void (g_async_queue_push) (GAsyncQueue *queue, gpointer data)
{
  REAL (g_async_queue_push);
  __tsan_release (queue);
  real (queue, data);
}

gpointer (g_async_queue_pop) (GAsyncQueue *queue)
{
  gpointer data;

  REAL (g_async_queue_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

gpointer (g_async_queue_timeout_pop) (GAsyncQueue *queue, guint64 timeout)
{
  gpointer data;

  REAL (g_async_queue_timeout_pop);
  data = real (queue, timeout);
  __tsan_acquire (queue);
  return data;
}

gpointer (g_async_queue_try_pop) (GAsyncQueue *queue)
{
  gpointer data;

  REAL (g_async_queue_try_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

/* ---- GIO's tasks ---- */

typedef struct
{
  GTaskThreadFunc function;
} TaskWork;

static GQuark
task_work_quark (void)
{
  return g_quark_from_static_string ("thread-glib-work");
}

static void
do_work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  TaskWork *work = g_object_get_qdata (G_OBJECT (task), task_work_quark ());

  __tsan_acquire (task);
  work->function (task, source, data, cancellable);
  __tsan_release (task);
}

static void
set_work (GTask *task, GTaskThreadFunc function)
{
  TaskWork *work = g_new (TaskWork, 1);

  work->function = function;
  g_object_set_qdata_full (G_OBJECT (task), task_work_quark (), work, g_free);
  __tsan_release (task);
}

void (g_task_run_in_thread) (GTask *task, GTaskThreadFunc function)
{
  REAL (g_task_run_in_thread);
  set_work (task, function);
  real (task, do_work);
}

void (g_task_run_in_thread_sync) (GTask *task, GTaskThreadFunc function)
{
  REAL (g_task_run_in_thread_sync);
  set_work (task, function);
  real (task, do_work);
  __tsan_acquire (task);
}

gboolean (g_task_propagate_boolean) (GTask *task, GError **error)
{
  REAL (g_task_propagate_boolean);
  __tsan_acquire (task);
  return real (task, error);
}

/* Where a thread returns within its task, what follows is its caller's. */
void (g_task_return_boolean) (GTask *task, gboolean result)
{
  REAL (g_task_return_boolean);
  __tsan_release (task);
  real (task, result);
}

void (g_task_return_error) (GTask *task, GError *error)
{
  REAL (g_task_return_error);
  __tsan_release (task);
  real (task, error);
}

/* ---- sources: the thread that iterates their context sees what the one that attached them did ---- */

/* A source's functions behind those that GLib is given. */
typedef struct _Told
{
  GSourceFuncs funcs; /* first */
  const GSourceFuncs *real;
  struct _Told *next;
} Told;

static const GSourceFuncs *
get_real (GSource *source)
{
  __tsan_acquire (source);
  return ((Told *) source->source_funcs)->real;
}

static gboolean
prepare_told (GSource *source, gint *timeout)
{
  return get_real (source)->prepare (source, timeout);
}

static gboolean
check_told (GSource *source)
{
  return get_real (source)->check (source);
}

static gboolean
dispatch_told (GSource *source, GSourceFunc callback, gpointer data)
{
  return get_real (source)->dispatch (source, callback, data);
}

static void
finalize_told (GSource *source)
{
  get_real (source)->finalize (source);
}

/* One for each @real, which stays. */
static Told *
find_told (const GSourceFuncs *real)
{
  static Told *all;
  Told *head = __atomic_load_n (&all, __ATOMIC_ACQUIRE);
  Told *told = head;

  while (told != NULL && told->real != real)
    told = told->next;
  if (told != NULL)
    return told;
  told = g_new0 (Told, 1);
  told->funcs = *real;
  told->funcs.prepare = real->prepare != NULL ? prepare_told : NULL;
  told->funcs.check = real->check != NULL ? check_told : NULL;
  told->funcs.dispatch = dispatch_told;
  told->funcs.finalize = real->finalize != NULL ? finalize_told : NULL;
  told->real = real;
  do
    told->next = head;
  while (
      !__atomic_compare_exchange_n (&all, &head, told, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return told;
}

GSource *(g_source_new) (GSourceFuncs *funcs, guint size)
{
  REAL (g_source_new);
  return real (&find_told (funcs)->funcs, size);
}

guint (g_source_attach) (GSource *source, GMainContext *context)
{
  REAL (g_source_attach);
  __tsan_release (source);
  return real (source, context);
}

/* ThreadSanitizer ends a program that unloads a library which tests/thread.supp names; GIO would. */
static void __attribute__ ((constructor)) keep_gnutls (void)
{
  dlopen ("libgnutls.so.30", RTLD_NOW | RTLD_NODELETE);
}
