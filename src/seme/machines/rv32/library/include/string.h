#ifndef SEME_STRING_H
#define SEME_STRING_H

#include <stddef.h>

void *memcpy(void *__restrict to, const void *__restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *data, int byte, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t size);
char *strcpy(char *__restrict to, const char *__restrict from);
char *stpcpy(char *__restrict to, const char *__restrict from);
char *strncpy(char *__restrict to, const char *__restrict from, size_t size);
char *strcat(char *__restrict to, const char *__restrict from);
char *strncat(char *__restrict to, const char *__restrict from, size_t size);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t size);
int strcoll(const char *left, const char *right);
char *strchr(const char *text, int byte);
char *strrchr(const char *text, int byte);
char *strstr(const char *text, const char *part);
char *strpbrk(const char *text, const char *set);
size_t strspn(const char *text, const char *set);
size_t strcspn(const char *text, const char *set);
char *strtok(char *__restrict text, const char *__restrict set);
char *strtok_r(char *__restrict text, const char *__restrict set, char **__restrict rest);
char *strdup(const char *text);
char *strerror(int number);

#endif
