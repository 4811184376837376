/* May be included again with another NDEBUG, so there is no guard. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
_Noreturn void seme_assert_failed(const char *condition, const char *file, int line, const char *function);
#define assert(condition) ((condition) ? (void)0 : seme_assert_failed(#condition, __FILE__, __LINE__, __func__))
#endif
#define static_assert _Static_assert
