#ifndef SEME_STDIO_H
#define SEME_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 1
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

typedef struct seme_file FILE;
extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list values);
int vfprintf(FILE *file, const char *format, va_list values);
int vsprintf(char *text, const char *format, va_list values);
int vsnprintf(char *text, size_t size, const char *format, va_list values);

int scanf(const char *format, ...) __attribute__((format(scanf, 1, 2)));
int fscanf(FILE *file, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int sscanf(const char *text, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int vfscanf(FILE *file, const char *format, va_list values);
int vsscanf(const char *text, const char *format, va_list values);

int putchar(int byte);
int putc(int byte, FILE *file);
int fputc(int byte, FILE *file);
int puts(const char *text);
int fputs(const char *text, FILE *file);
size_t fwrite(const void *data, size_t size, size_t count, FILE *file);

int getchar(void);
int getc(FILE *file);
int fgetc(FILE *file);
int ungetc(int byte, FILE *file);
char *fgets(char *text, int size, FILE *file);
size_t fread(void *data, size_t size, size_t count, FILE *file);

int feof(FILE *file);
int ferror(FILE *file);
void clearerr(FILE *file);
int fflush(FILE *file);
int setvbuf(FILE *file, char *buffer, int mode, size_t size);
void perror(const char *text);

#endif
